// Texts as ids and back, whatever cuts them: words of a vocabulary or byte pairs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <unroll/text/byte_pair_encoding.hpp>
#include <unroll/text/tokenizer.hpp>
#include <unroll/text/vocabulary.hpp>

namespace unroll::inline UNROLL_ABI {

/// The same tokens behind `<BOS>` and `<EOS>`, which are 2 and 3 as in a BytePairEncoding: two ids more. Throws
/// std::invalid_argument where the vocabulary has one of the two.
UNROLL_API Vocabulary with_marks(const Vocabulary& vocabulary);

/// What a model of texts that writes texts needs of a language: ids 0 `<PAD>`, 1 unknown, 2 `<BOS>`, 3 `<EOS>`, then
/// what texts are made of. A value.
class TextEncoding {
 public:
  static constexpr std::int32_t bos = BytePairEncoding::bos, eos = BytePairEncoding::eos;

  /// No words at all.
  UNROLL_API TextEncoding();
  /// Throws std::invalid_argument where 2 and 3 are not `<BOS>` and `<EOS>`: `with_marks` puts them there.
  UNROLL_API TextEncoding(Vocabulary vocabulary);
  TextEncoding(BytePairEncoding pairs) : of_(std::move(pairs)) {}

  UNROLL_API Index size() const;
  /// No text encodes to a mark: one that spells `<EOS>` has an unknown token there.
  UNROLL_API std::vector<std::int32_t> encode(std::string_view text) const;
  /// Without padding and marks. Throws std::invalid_argument for an id past the last.
  UNROLL_API std::string decode(std::span<const std::int32_t> ids) const;
  UNROLL_API std::string_view token(std::int32_t id) const;

  /// As text, that of a vocabulary's file (`save_vocabulary`) or of byte pairs (`save_byte_pairs`), and back; `known`
  /// are tokenizers of the user's own that it may name. Throws FormatError naming `source` for anything else.
  UNROLL_API std::string text() const;
  UNROLL_API static TextEncoding from_text(std::string_view text, std::string_view source,
                                           const std::vector<Tokenizer>& known = {});

  bool operator==(const TextEncoding&) const = default;

 private:
  std::variant<Vocabulary, BytePairEncoding> of_;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/text/text_encoding.ipp>
#endif
