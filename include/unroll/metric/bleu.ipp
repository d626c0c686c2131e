// Bodies of metric/bleu.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string_view>
#include <utility>

#include <unroll/metric/bleu.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Up to 4 tokens, then zeros. Only n-grams of the same n are compared, so the zeros stand for nothing.
using Ngram = std::array<std::int32_t, 4>;

/// The n-grams of a sentence, sorted, so that equal ones stand together.
inline void sort_ngrams(std::span<const std::int32_t> tokens, std::size_t n, std::vector<Ngram>& ngrams) {
  ngrams.clear();
  for (std::size_t t = 0; t + n <= tokens.size(); ++t) {
    Ngram& ngram = ngrams.emplace_back();
    std::copy_n(tokens.begin() + static_cast<std::ptrdiff_t>(t), n, ngram.begin());
  }
  std::sort(ngrams.begin(), ngrams.end());
}

/// How many of a hypothesis's n-grams are in a reference, each at most as often as in the reference that has most.
inline Index clipped_matches(const std::vector<Ngram>& hypothesis, const std::vector<std::vector<Ngram>>& references) {
  std::ptrdiff_t matches = 0;
  for (auto first = hypothesis.begin(); first != hypothesis.end();) {
    const auto last = std::upper_bound(first, hypothesis.end(), *first);
    std::ptrdiff_t most = 0;
    for (const std::vector<Ngram>& reference : references) {
      const auto from = std::lower_bound(reference.begin(), reference.end(), *first);
      most = (std::max)(most, std::upper_bound(from, reference.end(), *first) - from);
    }
    matches += (std::min)(last - first, most);
    first = last;
  }
  return as<Index>(matches);
}
}  // namespace detail

UNROLL_FUNCTION void Bleu::add(std::span<const std::int32_t> hypothesis, std::span<const std::int32_t> reference) {
  add_sentence(hypothesis, {&reference, 1});
}
UNROLL_FUNCTION void Bleu::add(std::span<const std::int32_t> hypothesis,
                               const std::vector<std::vector<std::int32_t>>& references) {
  add_sentence(hypothesis, std::vector<std::span<const std::int32_t>>(references.begin(), references.end()));
}
UNROLL_FUNCTION void Bleu::add(std::span<const std::string> hypothesis, std::span<const std::string> reference) {
  add_words(hypothesis, {&reference, 1});
}
UNROLL_FUNCTION void Bleu::add(std::span<const std::string> hypothesis,
                               const std::vector<std::vector<std::string>>& references) {
  add_words(hypothesis, std::vector<std::span<const std::string>>(references.begin(), references.end()));
}

/// Numbers stand for words, which need be the same for one hypothesis and its references only.
UNROLL_FUNCTION void Bleu::add_words(std::span<const std::string> hypothesis,
                                     std::span<const std::span<const std::string>> references) {
  std::vector<std::string_view> words(hypothesis.begin(), hypothesis.end());
  for (const auto& reference : references) words.insert(words.end(), reference.begin(), reference.end());
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  const auto numbers_of = [&](std::span<const std::string> sentence) {
    std::vector<std::int32_t> numbers;
    for (const std::string_view word : sentence)
      numbers.push_back(static_cast<std::int32_t>(std::lower_bound(words.begin(), words.end(), word) - words.begin()));
    return numbers;
  };
  std::vector<std::vector<std::int32_t>> all;
  for (const auto& reference : references) all.push_back(numbers_of(reference));
  add(numbers_of(hypothesis), all);
}

UNROLL_FUNCTION void Bleu::add_sentence(std::span<const std::int32_t> hypothesis,
                                        std::span<const std::span<const std::int32_t>> references) {
  require(!references.empty(), "Bleu: sentence ", sentences_, " has no reference, expected at least one");
  const std::size_t length = hypothesis.size();
  constexpr std::size_t far_away = (std::numeric_limits<std::size_t>::max)();
  std::pair<std::size_t, std::size_t> closest(far_away, 0);  // how far away, the length: of equals the shorter
  for (const auto& reference : references) {
    const std::size_t other = reference.size();
    closest = (std::min)(closest, std::pair(length < other ? other - length : length - other, other));
  }
  ++sentences_;
  hypothesis_length_ += static_cast<Index>(length);
  reference_length_ += static_cast<Index>(closest.second);

  std::vector<detail::Ngram> ours;
  std::vector<std::vector<detail::Ngram>> theirs(references.size());
  for (std::size_t n = 1; n <= totals_.size(); ++n) {
    detail::sort_ngrams(hypothesis, n, ours);
    for (std::size_t r = 0; r < references.size(); ++r) detail::sort_ngrams(references[r], n, theirs[r]);
    totals_[n - 1] += static_cast<Index>(ours.size());
    matches_[n - 1] += detail::clipped_matches(ours, theirs);
  }
}

UNROLL_FUNCTION Bleu& Bleu::operator+=(const Bleu& other) {
  sentences_ += other.sentences_;
  hypothesis_length_ += other.hypothesis_length_;
  reference_length_ += other.reference_length_;
  for (std::size_t k = 0; k < totals_.size(); ++k) {
    matches_[k] += other.matches_[k];
    totals_[k] += other.totals_[k];
  }
  return *this;
}

UNROLL_FUNCTION BleuScore Bleu::score(const BleuOptions& options) const {
  require(sentences_ > 0, "Bleu: no sentence was added, a score needs at least one");
  BleuScore s{.matches = matches_,
              .totals = totals_,
              .hypothesis_length = hypothesis_length_,
              .reference_length = reference_length_};
  if (hypothesis_length_ < reference_length_)
    s.brevity_penalty = hypothesis_length_ == 0 ? 0 : std::exp(1 - 1 / s.ratio());
  if (matches_[0] == 0) return s;  // no word is right, so nothing longer is: nothing to smooth

  double unmatched = 1, log_sum = 0;  // what an order without a match counts as
  std::size_t orders = 0;
  for (; orders < totals_.size() && totals_[orders] > 0; ++orders) {
    if (matches_[orders] == 0) unmatched /= 2;
    const double matched = matches_[orders] == 0 ? unmatched : static_cast<double>(matches_[orders]);
    const double precision = matched / static_cast<double>(totals_[orders]);
    s.precisions[orders] = 100 * precision;
    log_sum += std::log(precision);
  }
  if (orders == totals_.size() || options.effective_order)
    s.score = 100 * s.brevity_penalty * std::exp(log_sum / static_cast<double>(orders));
  return s;
}

UNROLL_FUNCTION std::string BleuScore::str() const {
  char text[192];
  std::snprintf(text, sizeof text,
                "BLEU %.1f (%.1f/%.1f/%.1f/%.1f, brevity penalty %.2f, ratio %.2f, %lld of %lld tokens)", score,
                precisions[0], precisions[1], precisions[2], precisions[3], brevity_penalty, ratio(),
                static_cast<long long>(hypothesis_length), static_cast<long long>(reference_length));
  return text;
}

}  // namespace unroll::inline UNROLL_ABI
