// Vocabulary: which token has which id.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/function_ref.hpp>
#include <unroll/text/token_table.hpp>
#include <unroll/text/tokenizer.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// A range of pairs of a text and an integer.
template <class R>
concept TokenCounts = std::ranges::input_range<const R> && requires(std::ranges::range_reference_t<const R> pair) {
  { pair.first } -> std::convertible_to<std::string_view>;
  requires std::integral<std::remove_cvref_t<decltype(pair.second)>>;
};
}  // namespace detail

/// Several texts: a range of what converts to std::string_view (and not one string, whose elements are characters).
template <class R>
concept TextRange =
    std::ranges::input_range<R> && std::convertible_to<std::ranges::range_reference_t<R>, std::string_view>;

struct VocabularyOptions {
  Index max_size = (std::numeric_limits<std::int32_t>::max)();  ///< ids at most, `<PAD>` and `<OOV>` among them
  Index min_frequency = 1;                                      ///< rarer tokens are left out
  Tokenizer tokenizer = WordTokenizer{};
  std::string unknown = "<OOV>";  ///< what stands for unknown tokens, also in texts: "<unk>" in those of other programs
};

/// Tokens by id and ids by token, with the tokenizer that cuts texts into them. A value: it copies, moves, compares.
///
/// Id 0 is `<PAD>` and 1 `<OOV>`, out of vocabulary, or what else stands for unknown tokens; both count in `size()`. No
/// text encodes to 0: where a text spells one of the two names, that is an unknown token.
class Vocabulary {
 public:
  static constexpr std::int32_t pad = 0;
  static constexpr std::int32_t oov = 1;
  static constexpr std::string_view pad_token = "<PAD>";
  static constexpr std::string_view oov_token = "<OOV>";

  /// Only the two special tokens.
  UNROLL_API explicit Vocabulary(Tokenizer tokenizer = {}, std::string_view unknown = oov_token);

  /// The tokens in the order of their ids, as `tokens()` gives them. Throws `Error` naming the first token that is
  /// empty, not UTF-8, twice in the list, or not the special token due in its place; the message begins with `who`.
  template <class Error = std::invalid_argument, TextRange Tokens = std::initializer_list<std::string_view>>
  static Vocabulary from_tokens(Tokens&& tokens, Tokenizer tokenizer = {}, std::string_view who = "Vocabulary",
                                std::string_view unknown = oov_token) {
    const auto check = [](const std::string& mistake) {
      if (!mistake.empty()) fail<Error>(mistake);
    };
    Vocabulary vocabulary(std::move(tokenizer), unknown, Unchecked{});
    check(vocabulary.check_unknown(who));
    std::int32_t due = 0;
    for (std::string_view token : tokens) check(vocabulary.append(token, due++, who));
    check(vocabulary.check_count(due, who));
    return vocabulary;
  }

  /// The tokens of the texts by falling frequency, among equals the one met first before the others (the order of
  /// Python's `Counter.most_common`). Throws std::invalid_argument for a max_size with no room for the special tokens
  /// or a negative min_frequency, for texts without a token that is frequent enough, and where WordTokenizer would
  /// delete most of the texts because they are in another alphabet.
  template <TextRange Texts = std::initializer_list<std::string_view>>
  static Vocabulary build(Texts&& texts, const VocabularyOptions& options = {}) {
    return build_of(each_of(texts), options);
  }

  /// `build` and then `encode` of the same texts, which are read once: half the time.
  template <TextRange Texts = std::initializer_list<std::string_view>>
  static std::pair<Vocabulary, std::vector<std::vector<std::int32_t>>> build_and_encode(
      Texts&& texts, const VocabularyOptions& options = {}) {
    return build_and_encode_of(each_of(texts), options);
  }

  /// What `build` gives of texts in which each token occurs as often as a range of (token, count) pairs says, a map or
  /// a vector. Among equals the one met first in the range comes before the others; the counts of a token that is there
  /// twice are added up. Throws std::invalid_argument for options as `build` does, for a token that is empty or not
  /// UTF-8, for a negative count, and where no token is frequent enough.
  template <class Counts = std::initializer_list<std::pair<std::string_view, Index>>>
  requires detail::TokenCounts<Counts>
  static Vocabulary from_counts(const Counts& counts, const VocabularyOptions& options = {}) {
    return from_counts_of(
        [&counts](FunctionRef<std::string_view, Index> on_count) {
          for (const auto& [token, count] : counts) {
            require(std::in_range<Index>(count), "Vocabulary: got the count ", count, ", which is too large");
            on_count(token, static_cast<Index>(count));
          }
        },
        options);
  }

  Index size() const { return static_cast<Index>(tokens_.size()); }
  const Tokenizer& tokenizer() const { return tokenizer_; }
  /// The name of id 1, by default `<OOV>`.
  std::string_view unknown() const { return tokens_[oov]; }

  UNROLL_API bool contains(std::string_view token) const;
  /// The id of a token as it stands (nothing is lower-cased), `oov` for an unknown one.
  UNROLL_API std::int32_t id(std::string_view token) const;
  /// The token with this id, valid until the vocabulary is assigned to or destroyed.
  UNROLL_API std::string_view token(std::int32_t id) const;
  UNROLL_API std::vector<std::string> tokens() const;

  /// The ids of a text's tokens, unknown ones as `oov`. A text without tokens gives no ids.
  UNROLL_API std::vector<std::int32_t> encode(std::string_view text) const;
  /// The same into a vector whose memory is reused.
  UNROLL_API void encode(std::string_view text, std::vector<std::int32_t>& ids) const;
  /// Every text of a range.
  template <TextRange Texts> std::vector<std::vector<std::int32_t>> encode(Texts&& texts) const {
    std::size_t count = 0;
    if constexpr (std::ranges::sized_range<Texts>) count = static_cast<std::size_t>(std::ranges::size(texts));
    return encode_all(each_of(texts), count);
  }

  /// The tokens of the ids, joined by spaces (characters: by nothing), padding left out. Throws std::invalid_argument
  /// for an id past the vocabulary.
  UNROLL_API std::string decode(std::span<const std::int32_t> ids) const;

  /// The same tokens with the same ids, from the same tokenizer.
  bool operator==(const Vocabulary&) const = default;

 private:
  struct Unchecked {};
  using EachText = FunctionRef<FunctionRef<std::string_view>>;
  /// Calls what it is given with each text of a range.
  template <class Range> static auto each_of(Range& texts) {
    return [&texts](FunctionRef<std::string_view> on_text) {
      for (std::string_view text : texts) on_text(text);
    };
  }

  UNROLL_API Vocabulary(Tokenizer tokenizer, std::string_view unknown, Unchecked);
  // What is wrong, or nothing.
  UNROLL_API std::string check_unknown(std::string_view who) const;
  UNROLL_API std::string append(std::string_view token, std::int32_t due, std::string_view who);
  UNROLL_API std::string check_count(std::int32_t count, std::string_view who) const;

  UNROLL_API static Vocabulary build_of(EachText texts, const VocabularyOptions& options);
  UNROLL_API static std::pair<Vocabulary, std::vector<std::vector<std::int32_t>>> build_and_encode_of(
      EachText texts, const VocabularyOptions& options);
  UNROLL_API static Vocabulary from_counts_of(FunctionRef<FunctionRef<std::string_view, Index>> counts,
                                              const VocabularyOptions& options);
  UNROLL_API std::vector<std::vector<std::int32_t>> encode_all(EachText texts, std::size_t count) const;

  static Vocabulary to_count(const VocabularyOptions& options);
  std::int32_t count(const Token& token, std::vector<Index>& counts, Index times = 1);
  Vocabulary most_common(const std::vector<Index>& counts, const VocabularyOptions& options) const;

  TokenTable tokens_;
  Tokenizer tokenizer_;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/text/vocabulary.ipp>
#endif
