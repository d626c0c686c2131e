// Bodies of text/merge_learner.hpp.
#pragma once

#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/text/merge_learner.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION std::int32_t PairTable::find(TokenPair pair) const {
  std::array<char, sizeof pair> bytes;
  std::memcpy(bytes.data(), &pair, sizeof pair);
  return table_.find(std::string_view(bytes.data(), bytes.size()));
}
UNROLL_FUNCTION std::int32_t PairTable::insert(TokenPair pair) {
  std::array<char, sizeof pair> bytes;
  std::memcpy(bytes.data(), &pair, sizeof pair);
  return table_.insert(std::string_view(bytes.data(), bytes.size()));
}
UNROLL_FUNCTION TokenPair PairTable::operator[](std::int32_t number) const {
  TokenPair pair;
  std::memcpy(&pair, table_[number].data(), sizeof pair);
  return pair;
}

UNROLL_FUNCTION bool MergeLearner::Candidate::operator<(const Candidate& other) const {
  if (count != other.count) return count < other.count;
  if (tokens.left != other.tokens.left) return tokens.left > other.tokens.left;
  return tokens.right > other.tokens.right;
}

UNROLL_FUNCTION MergeLearner::MergeLearner(const TokenTable& words, const std::vector<Index>& counts,
                                           std::int32_t first_byte, Index least)
    : counts_(counts), least_(least) {
  const auto word_count = static_cast<std::int32_t>(words.size());
  std::size_t bytes = 0;
  for (std::int32_t word = 0; word < word_count; ++word) bytes += words[word].size();
  require(bytes <= static_cast<std::size_t>((std::numeric_limits<Place>::max)()),
          "BytePairEncoding: the distinct words of the texts have ", bytes, " bytes, expected at most ",
          (std::numeric_limits<Place>::max)());
  symbols_.reserve(bytes);
  for (std::int32_t word = 0; word < word_count; ++word) {
    const std::string_view text = words[word];
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto place = static_cast<Place>(symbols_.size());
      symbols_.push_back({first_byte + static_cast<unsigned char>(text[i]), i > 0 ? place - 1 : none,
                          i + 1 < text.size() ? place + 1 : none, word});
      if (i > 0) add({at(place - 1).id, at(place).id}, place - 1, counts_[static_cast<std::size_t>(word)]);
    }
  }
  propose(0);
}

UNROLL_FUNCTION void MergeLearner::add(TokenPair tokens, Place place, Index count) {
  const auto pair = static_cast<std::size_t>(numbers_.insert(tokens));
  if (pair == pairs_.size()) pairs_.emplace_back();
  pairs_[pair].count += count;
  pairs_[pair].places.push_back(place);
}
UNROLL_FUNCTION void MergeLearner::remove(TokenPair tokens, Index count) {
  pairs_[static_cast<std::size_t>(numbers_.find(tokens))].count -= count;
}
/// Pairs from this one on are new: their counts have been found and will not rise.
UNROLL_FUNCTION void MergeLearner::propose(std::int32_t first_pair) {
  for (std::int32_t pair = first_pair; pair < numbers_.size(); ++pair) {
    const Index count = pairs_[static_cast<std::size_t>(pair)].count;
    if (count >= least_) candidates_.push({count, numbers_[pair], pair});
  }
}

UNROLL_FUNCTION bool MergeLearner::find_most_frequent(TokenPair& pair) {
  while (!candidates_.empty()) {
    Candidate best = candidates_.top();
    const Index count = pairs_[static_cast<std::size_t>(best.pair)].count;
    pair = best.tokens;
    if (count == best.count) return true;
    candidates_.pop();
    best.count = count;
    if (count >= least_) candidates_.push(best);
  }
  return false;
}

UNROLL_FUNCTION void MergeLearner::merge(TokenPair pair, std::int32_t merged) {
  const auto number = static_cast<std::size_t>(numbers_.find(pair));
  const std::int32_t first_new = numbers_.size();
  const std::vector<Place> places = std::exchange(pairs_[number].places, {});
  for (const Place place : places) {
    Symbol& left = at(place);
    if (left.id != pair.left || left.next == none || at(left.next).id != pair.right) continue;  // merged meanwhile
    Symbol& right = at(left.next);
    const Index count = counts_[static_cast<std::size_t>(left.word)];
    if (left.previous != none) {
      const std::int32_t before = at(left.previous).id;
      remove({before, left.id}, count);
      add({before, merged}, left.previous, count);
    }
    if (right.next != none) {
      Symbol& after = at(right.next);
      remove({right.id, after.id}, count);
      add({merged, after.id}, place, count);
      after.previous = place;
    }
    left.id = merged;
    left.next = right.next;
    right.id = none;
  }
  pairs_[number].count = 0;
  propose(first_new);
}

}  // namespace unroll::inline UNROLL_ABI::detail
