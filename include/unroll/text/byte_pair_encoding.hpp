// Byte-pair encoding: texts as ids of subwords, which are learned.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/function_ref.hpp>
#include <unroll/text/merge_learner.hpp>
#include <unroll/text/token_table.hpp>
#include <unroll/text/tokenizer.hpp>
#include <unroll/text/vocabulary.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
struct MergeQueue;
}

struct BytePairOptions {
  Index max_size = 8192;    ///< ids at most: `first_merge` of bytes and special tokens, and one a merge
  Index min_frequency = 2;  ///< pairs that occur less often are not merged
};

/// Byte-pair encoding (Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units") of bytes:
/// any text has an encoding, none has an unknown token, and `decode(encode(text))` is the text. A value: it copies,
/// moves, compares; threads may share a const one.
///
/// Texts are cut into pieces, words with the space before them (`pre_tokenize`), and no token crosses a border. Within
/// a piece, which is a token a byte at first, the merges are applied in the order in which they were learned, each from
/// left to right wherever its pair stands.
///
/// Ids are 0 `<PAD>`, 1 `<OOV>`, 2 `<BOS>`, 3 `<EOS>`, 4 to 259 the bytes, then a token for each merge. No text encodes
/// to the first four, whatever it spells: who wants `<BOS>` and `<EOS>` puts `bos` and `eos` around the ids. `<OOV>` is
/// there so that ids are those of a `Vocabulary`.
class BytePairEncoding {
 public:
  static constexpr std::int32_t pad = Vocabulary::pad, bos = 2, eos = 3;
  static constexpr std::int32_t first_byte = 4, first_merge = first_byte + 256;

  /// Bytes and special tokens, no merges.
  UNROLL_API BytePairEncoding();

  /// Merges the most frequent pair of neighbours in all pieces of the texts, until `max_size` is reached or no pair
  /// occurs `min_frequency` times. Overlapping pairs count, two in "aaa". Of pairs that are as frequent the one whose
  /// left token has the least id is merged first, and of those the one whose right token has; so the order of the texts
  /// does not matter. Throws std::invalid_argument for a max_size without room for the bytes, a min_frequency below 1,
  /// and distinct pieces of more than 2^31 - 1 bytes together.
  template <TextRange Texts = std::initializer_list<std::string_view>>
  static BytePairEncoding learn(Texts&& texts, const BytePairOptions& options = {}) {
    return learn_of(
        [&texts](FunctionRef<std::string_view> on_text) {
          for (std::string_view text : texts) on_text(text);
        },
        options);
  }

  Index size() const { return first_byte + static_cast<Index>(tokens_.size()); }
  /// The bytes of a token, or the name of a special one. Throws std::invalid_argument for an id past the last.
  UNROLL_API std::string_view token(std::int32_t id) const;
  /// What is merged, in this order: the bytes of both tokens.
  UNROLL_API std::vector<std::pair<std::string, std::string>> merges() const;

  UNROLL_API std::vector<std::int32_t> encode(std::string_view text) const;
  /// The same into a vector whose memory is reused.
  UNROLL_API void encode(std::string_view text, std::vector<std::int32_t>& ids) const;
  /// Every text of a range.
  template <TextRange Texts> std::vector<std::vector<std::int32_t>> encode(Texts&& texts) const {
    std::vector<std::vector<std::int32_t>> encoded;
    std::vector<std::int32_t> ids;
    for (std::string_view text : texts) {
      encode(text, ids);
      encoded.emplace_back(ids.begin(), ids.end());
    }
    return encoded;
  }
  /// The text of the ids, special tokens left out. Throws std::invalid_argument for an id past the last.
  UNROLL_API std::string decode(std::span<const std::int32_t> ids) const;

  /// As a tokenizer of the user's own, for what takes a `Tokenizer`: tokens are spelled in the alphabet of bytes
  /// (`spell_bytes`), because those of a `Tokenizer` are UTF-8. Its name has a hash of the merges in it, so that a file
  /// does not find those of another encoding.
  UNROLL_API Tokenizer tokenizer() const;
  /// The same tokens with the same ids, for what takes a `Vocabulary`: encoders, model files. It encodes as this does,
  /// in more time; what it decodes is spelled in the alphabet of bytes.
  UNROLL_API Vocabulary vocabulary() const;

  /// The merges as lines of text, and back. The first is `unroll-byte-pairs 1 5000`: format version and number of
  /// merges; each other one is two tokens in the alphabet of bytes with a space between them. Lines may end in CRLF.
  /// Throws FormatError naming the source and the line for anything else, also for a token that no text encodes to.
  UNROLL_API std::string text() const;
  UNROLL_API static BytePairEncoding from_text(std::string_view text, std::string_view source);

  bool operator==(const BytePairEncoding&) const = default;

 private:
  using EachText = FunctionRef<FunctionRef<std::string_view>>;

  UNROLL_API static BytePairEncoding learn_of(EachText texts, const BytePairOptions& options);
  void append(detail::TokenPair pair);
  std::string append_line(std::string_view line);
  void merge_piece(std::string_view piece, detail::MergeQueue& queue, std::vector<std::int32_t>& ids) const;

  TokenTable tokens_;        // from first_byte on
  detail::PairTable pairs_;  // pair k is merged to token first_merge + k
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/text/byte_pair_encoding.ipp>
#endif
