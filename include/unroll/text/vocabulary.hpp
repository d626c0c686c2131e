// Vocabulary: which token has which id.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/text/token_table.hpp>
#include <unroll/text/tokenized_texts.hpp>
#include <unroll/text/tokenizer.hpp>

namespace unroll::inline UNROLL_ABI {

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
  explicit Vocabulary(Tokenizer tokenizer = {}, std::string_view unknown = oov_token)
      : Vocabulary(std::move(tokenizer), unknown, Unchecked{}) {
    check_unknown<std::invalid_argument>("Vocabulary");
  }

  /// The tokens in the order of their ids, as `tokens()` gives them. Throws `Error` naming the first token that is
  /// empty, not UTF-8, twice in the list, or not the special token due in its place; the message begins with `who`.
  template <class Error = std::invalid_argument, TextRange Tokens = std::initializer_list<std::string_view>>
  static Vocabulary from_tokens(Tokens&& tokens, Tokenizer tokenizer = {}, std::string_view who = "Vocabulary",
                                std::string_view unknown = oov_token) {
    Vocabulary vocabulary(std::move(tokenizer), unknown, Unchecked{});
    vocabulary.template check_unknown<Error>(who);
    std::int32_t due = 0;
    for (std::string_view token : tokens) vocabulary.template append<Error>(token, due++, who);
    require<Error>(due > oov, who, ": got ", due, " tokens, expected ", pad_token, " and ", unknown, " at least");
    return vocabulary;
  }

  /// The tokens of the texts by falling frequency, among equals the one met first before the others (the order of
  /// Python's `Counter.most_common`). Throws std::invalid_argument for a max_size with no room for the special tokens
  /// or a negative min_frequency, for texts without a token that is frequent enough, and where WordTokenizer would
  /// delete most of the texts because they are in another alphabet.
  template <TextRange Texts = std::initializer_list<std::string_view>>
  static Vocabulary build(Texts&& texts, const VocabularyOptions& options = {}) {
    Vocabulary counted = to_count(options);
    std::vector<Index> counts(counted.tokens_.size(), 0);
    detail::TokenizedTexts seen(options.tokenizer);
    for (std::string_view text : texts) {
      seen.add(text);
      options.tokenizer(text, [&](const Token& token) { counted.count(token, counts); });
    }
    return counted.most_common(counts, options, seen);
  }

  /// `build` and then `encode` of the same texts, which are read once: half the time.
  template <TextRange Texts = std::initializer_list<std::string_view>>
  static std::pair<Vocabulary, std::vector<std::vector<std::int32_t>>> build_and_encode(
      Texts&& texts, const VocabularyOptions& options = {}) {
    Vocabulary counted = to_count(options);
    std::vector<Index> counts(counted.tokens_.size(), 0);
    detail::TokenizedTexts seen(options.tokenizer);
    std::vector<std::vector<std::int32_t>> encoded;
    std::vector<std::int32_t> ids;
    for (std::string_view text : texts) {
      ids.clear();
      seen.add(text);
      options.tokenizer(text, [&](const Token& token) { ids.push_back(counted.count(token, counts)); });
      encoded.emplace_back(ids.begin(), ids.end());
    }
    Vocabulary vocabulary = counted.most_common(counts, options, seen);
    std::vector<std::int32_t> new_id;
    for (std::int32_t id = 0; id < counted.size(); ++id)
      new_id.push_back((std::max)(vocabulary.tokens_.find(counted.tokens_[id]), oov));
    for (auto& text : encoded)
      for (std::int32_t& id : text) id = new_id[static_cast<std::size_t>(id)];
    return {std::move(vocabulary), std::move(encoded)};
  }

  Index size() const { return static_cast<Index>(tokens_.size()); }
  const Tokenizer& tokenizer() const { return tokenizer_; }
  /// The name of id 1, by default `<OOV>`.
  std::string_view unknown() const { return tokens_[oov]; }

  bool contains(std::string_view token) const { return tokens_.find(token) != TokenTable::not_found; }
  /// The id of a token as it stands (nothing is lower-cased), `oov` for an unknown one.
  std::int32_t id(std::string_view token) const {
    const std::int32_t found = tokens_.find(token);
    return found == TokenTable::not_found ? oov : found;
  }
  /// The token with this id, valid until the vocabulary is assigned to or destroyed.
  std::string_view token(std::int32_t id) const {
    require(id >= 0 && id < size(), "Vocabulary: got id ", id, ", expected 0 to ", size() - 1);
    return tokens_[id];
  }
  std::vector<std::string> tokens() const {
    std::vector<std::string> list;
    for (std::int32_t id = 0; id < size(); ++id) list.emplace_back(tokens_[id]);
    return list;
  }

  /// The ids of a text's tokens, unknown ones as `oov`. A text without tokens gives no ids.
  std::vector<std::int32_t> encode(std::string_view text) const {
    std::vector<std::int32_t> ids;
    encode(text, ids);
    return ids;
  }
  /// The same into a vector whose memory is reused.
  void encode(std::string_view text, std::vector<std::int32_t>& ids) const {
    ids.clear();
    tokenizer_(text, [&](const Token& token) {
      ids.push_back((std::max)(tokens_.find(token), oov));  // not_found and pad are below oov
    });
  }
  /// Every text of a range.
  template <TextRange Texts> std::vector<std::vector<std::int32_t>> encode(Texts&& texts) const {
    std::vector<std::vector<std::int32_t>> encoded;
    if constexpr (std::ranges::sized_range<Texts>) encoded.reserve(std::ranges::size(texts));
    std::vector<std::int32_t> ids;
    for (std::string_view text : texts) {
      encode(text, ids);
      encoded.emplace_back(ids.begin(), ids.end());  // a copy of just the size it needs
    }
    return encoded;
  }

  /// The tokens of the ids, joined by spaces (characters: by nothing), padding left out. Throws std::invalid_argument
  /// for an id past the vocabulary.
  std::string decode(std::span<const std::int32_t> ids) const {
    std::string text;
    bool first = true;
    for (const std::int32_t id : ids) {
      const std::string_view next = token(id);
      if (id == pad) continue;
      if (!first) text += tokenizer_.separator();
      text += next;
      first = false;
    }
    return text;
  }

  /// The same tokens with the same ids, from the same tokenizer.
  bool operator==(const Vocabulary&) const = default;

 private:
  struct Unchecked {};
  Vocabulary(Tokenizer tokenizer, std::string_view unknown, Unchecked) : tokenizer_(std::move(tokenizer)) {
    tokens_.insert(pad_token);
    tokens_.insert(unknown);
  }
  /// A name other than `<OOV>` is meant to stand in texts.
  template <class Error> void check_unknown(std::string_view who) const {
    require<Error>(tokens_.size() == 2, who, ": ", pad_token, " cannot stand for unknown tokens");
    if (unknown() == oov_token) return;
    const bool is_token =
        is_valid_utf8(unknown()) && tokenizer_.tokenize(unknown()) == std::vector{std::string(unknown())};
    require<Error>(is_token, who, ": '", unknown(), "' is to stand for unknown tokens, but the tokenizer '",
                   tokenizer_.name(), "' does not take it for one token");
  }

  static Vocabulary to_count(const VocabularyOptions& options) {
    require(options.max_size >= 2, "Vocabulary: max_size is ", options.max_size, ", expected at least 2 for ",
            pad_token, " and ", options.unknown);
    require(options.min_frequency >= 0, "Vocabulary: min_frequency is ", options.min_frequency, ", expected 0 or more");
    return Vocabulary(options.tokenizer, options.unknown);
  }
  /// The token's id, after one more of it has been counted.
  std::int32_t count(const Token& token, std::vector<Index>& counts) {
    const std::int32_t id = tokens_.insert(token);
    if (static_cast<std::size_t>(id) == counts.size()) counts.push_back(0);
    ++counts[static_cast<std::size_t>(id)];
    return id;
  }
  template <class Error> void append(std::string_view token, std::int32_t due, std::string_view who) {
    require<Error>(!token.empty(), who, ": token ", due, " is empty");
    require<Error>(is_valid_utf8(token), who, ": token ", due, " is not UTF-8");
    const std::int32_t id = tokens_.find(token);
    if (due <= oov) {
      require<Error>(id == due, who, ": token ", due, " is '", token, "', expected '", tokens_[due], "'");
      return;
    }
    require<Error>(id == TokenTable::not_found, who, ": token ", due, " is '", token, "', which is token ", id,
                   " already");
    tokens_.insert(token);
  }

  Vocabulary most_common(const std::vector<Index>& counts, const VocabularyOptions& options,
                         const detail::TokenizedTexts& seen) const {
    seen.check(size() > 2);
    std::vector<std::int32_t> order;
    for (std::int32_t id = oov + 1; id < size(); ++id)
      if (counts[static_cast<std::size_t>(id)] >= options.min_frequency) order.push_back(id);
    require(!order.empty(), "Vocabulary: no token occurs as often as min_frequency, ", options.min_frequency, " times");
    const auto before = [&](std::int32_t a, std::int32_t b) {
      const Index count_a = counts[static_cast<std::size_t>(a)], count_b = counts[static_cast<std::size_t>(b)];
      return count_a != count_b ? count_a > count_b : a < b;
    };
    const auto kept = (std::min)(std::ssize(order), options.max_size - 2);
    std::nth_element(order.begin(), order.begin() + kept, order.end(), before);
    std::sort(order.begin(), order.begin() + kept, before);
    Vocabulary vocabulary(tokenizer_, unknown());
    for (const std::int32_t id : std::span(order).first(static_cast<std::size_t>(kept)))
      vocabulary.tokens_.insert(tokens_[id]);
    return vocabulary;
  }

  TokenTable tokens_;
  Tokenizer tokenizer_;
};

}  // namespace unroll::inline UNROLL_ABI
