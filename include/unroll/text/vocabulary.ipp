// Bodies of text/vocabulary.hpp.
#pragma once

#include <algorithm>
#include <iterator>

#include <unroll/core/error.hpp>
#include <unroll/core/utf8.hpp>
#include <unroll/text/tokenized_texts.hpp>
#include <unroll/text/vocabulary.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION Vocabulary::Vocabulary(Tokenizer tokenizer, std::string_view unknown)
    : Vocabulary(std::move(tokenizer), unknown, Unchecked{}) {
  if (const std::string mistake = check_unknown("Vocabulary"); !mistake.empty()) fail(mistake);
}
UNROLL_FUNCTION Vocabulary::Vocabulary(Tokenizer tokenizer, std::string_view unknown, Unchecked)
    : tokenizer_(std::move(tokenizer)) {
  tokens_.insert(pad_token);
  tokens_.insert(unknown);
}

/// A name other than `<OOV>` is meant to stand in texts.
UNROLL_FUNCTION std::string Vocabulary::check_unknown(std::string_view who) const {
  if (tokens_.size() != 2) return concat_text(who, ": ", pad_token, " cannot stand for unknown tokens");
  if (unknown() == oov_token) return {};
  const bool is_token =
      is_valid_utf8(unknown()) && tokenizer_.tokenize(unknown()) == std::vector{std::string(unknown())};
  if (is_token) return {};
  return concat_text(who, ": '", unknown(), "' is to stand for unknown tokens, but the tokenizer '", tokenizer_.name(),
                     "' does not take it for one token");
}
UNROLL_FUNCTION std::string Vocabulary::append(std::string_view token, std::int32_t due, std::string_view who) {
  if (token.empty()) return concat_text(who, ": token ", due, " is empty");
  if (!is_valid_utf8(token)) return concat_text(who, ": token ", due, " is not UTF-8");
  const std::int32_t id = tokens_.find(token);
  if (due <= oov) {
    if (id == due) return {};
    return concat_text(who, ": token ", due, " is '", token, "', expected '", tokens_[due], "'");
  }
  if (id != TokenTable::not_found)
    return concat_text(who, ": token ", due, " is '", token, "', which is token ", id, " already");
  tokens_.insert(token);
  return {};
}
UNROLL_FUNCTION std::string Vocabulary::check_count(std::int32_t count, std::string_view who) const {
  if (count > oov) return {};
  return concat_text(who, ": got ", count, " tokens, expected ", pad_token, " and ", unknown(), " at least");
}

UNROLL_FUNCTION Vocabulary Vocabulary::to_count(const VocabularyOptions& options) {
  require(options.max_size >= 2, "Vocabulary: max_size is ", options.max_size, ", expected at least 2 for ", pad_token,
          " and ", options.unknown);
  require(options.min_frequency >= 0, "Vocabulary: min_frequency is ", options.min_frequency, ", expected 0 or more");
  return Vocabulary(options.tokenizer, options.unknown);
}
/// The token's id, after so many more of it have been counted.
UNROLL_FUNCTION std::int32_t Vocabulary::count(const Token& token, std::vector<Index>& counts, Index times) {
  const std::int32_t id = tokens_.insert(token);
  if (static_cast<std::size_t>(id) == counts.size()) counts.push_back(0);
  counts[static_cast<std::size_t>(id)] += times;
  return id;
}
UNROLL_FUNCTION Vocabulary Vocabulary::most_common(const std::vector<Index>& counts,
                                                   const VocabularyOptions& options) const {
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

UNROLL_FUNCTION Vocabulary Vocabulary::build_of(EachText texts, const VocabularyOptions& options) {
  Vocabulary counted = to_count(options);
  std::vector<Index> counts(counted.tokens_.size(), 0);
  detail::TokenizedTexts seen(options.tokenizer);
  texts([&](std::string_view text) {
    seen.add(text);
    options.tokenizer(text, [&](const Token& token) { counted.count(token, counts); });
  });
  seen.check(counted.size() > 2);
  return counted.most_common(counts, options);
}
UNROLL_FUNCTION Vocabulary Vocabulary::from_counts_of(FunctionRef<FunctionRef<std::string_view, Index>> counts,
                                                      const VocabularyOptions& options) {
  Vocabulary counted = to_count(options);
  std::vector<Index> sums(counted.tokens_.size(), 0);
  Index left = (std::numeric_limits<Index>::max)();
  counts([&](std::string_view token, Index times) {
    require(!token.empty() && is_valid_utf8(token), "Vocabulary: got a count of '", token,
            "', expected a token that is not empty and UTF-8");
    require(times >= 0 && times <= left, "Vocabulary: got the count ", times, " of '", token,
            "', expected 0 or more, and a sum that 64 bits can hold");
    left -= times;
    counted.count(token, sums, times);
  });
  return counted.most_common(sums, options);
}
UNROLL_FUNCTION std::pair<Vocabulary, std::vector<std::vector<std::int32_t>>> Vocabulary::build_and_encode_of(
    EachText texts, const VocabularyOptions& options) {
  Vocabulary counted = to_count(options);
  std::vector<Index> counts(counted.tokens_.size(), 0);
  detail::TokenizedTexts seen(options.tokenizer);
  std::vector<std::vector<std::int32_t>> encoded;
  std::vector<std::int32_t> ids;
  texts([&](std::string_view text) {
    ids.clear();
    seen.add(text);
    options.tokenizer(text, [&](const Token& token) { ids.push_back(counted.count(token, counts)); });
    encoded.emplace_back(ids.begin(), ids.end());
  });
  seen.check(counted.size() > 2);
  Vocabulary vocabulary = counted.most_common(counts, options);
  std::vector<std::int32_t> new_id;
  for (std::int32_t id = 0; id < counted.size(); ++id)
    new_id.push_back((std::max)(vocabulary.tokens_.find(counted.tokens_[id]), oov));
  for (auto& text : encoded)
    for (std::int32_t& id : text) id = new_id[static_cast<std::size_t>(id)];
  return {std::move(vocabulary), std::move(encoded)};
}

UNROLL_FUNCTION bool Vocabulary::contains(std::string_view token) const {
  return tokens_.find(token) != TokenTable::not_found;
}
UNROLL_FUNCTION std::int32_t Vocabulary::id(std::string_view token) const {
  const std::int32_t found = tokens_.find(token);
  return found == TokenTable::not_found ? oov : found;
}
UNROLL_FUNCTION std::string_view Vocabulary::token(std::int32_t id) const {
  require(id >= 0 && id < size(), "Vocabulary: got id ", id, ", expected 0 to ", size() - 1);
  return tokens_[id];
}
UNROLL_FUNCTION std::vector<std::string> Vocabulary::tokens() const {
  std::vector<std::string> list;
  for (std::int32_t id = 0; id < size(); ++id) list.emplace_back(tokens_[id]);
  return list;
}

UNROLL_FUNCTION std::vector<std::int32_t> Vocabulary::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  encode(text, ids);
  return ids;
}
UNROLL_FUNCTION void Vocabulary::encode(std::string_view text, std::vector<std::int32_t>& ids) const {
  ids.clear();
  tokenizer_(text, [&](const Token& token) {
    ids.push_back((std::max)(tokens_.find(token), oov));  // not_found and pad are below oov
  });
}
UNROLL_FUNCTION std::vector<std::vector<std::int32_t>> Vocabulary::encode_all(EachText texts, std::size_t count) const {
  std::vector<std::vector<std::int32_t>> encoded;
  encoded.reserve(count);
  std::vector<std::int32_t> ids;
  texts([&](std::string_view text) {
    encode(text, ids);
    encoded.emplace_back(ids.begin(), ids.end());  // a copy of just the size it needs
  });
  return encoded;
}

UNROLL_FUNCTION std::string Vocabulary::decode(std::span<const std::int32_t> ids) const {
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

}  // namespace unroll::inline UNROLL_ABI
