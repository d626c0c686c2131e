// Prefix beam search against all labellings there are.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <doctest/doctest.h>

#include <unroll/head/ctc.hpp>
#include <unroll/head/ctc_beam_search.hpp>

#include "../support/message_of.hpp"
#include "../support/sequences.hpp"

namespace ctc_beam_search_test {
using namespace unroll;

/// The probability of every labelling of one sequence: the sum over the paths that say it.
std::map<std::vector<Index>, double> all_labellings(const Matrix<double>& z, Index blank) {
  std::map<std::vector<Index>, double> all;
  std::vector<Index> path(std::size_t(z.cols()), 0);
  for (;;) {
    double p = 1;
    std::vector<Index> labels;
    for (Index t = 0; t < z.cols(); ++t) {
      const Index k = path[std::size_t(t)];
      p *= std::exp(z(k, t)) / z.col(t).array().exp().sum();
      if (k != blank && (t == 0 || k != path[std::size_t(t - 1)])) labels.push_back(k);
    }
    all[labels] += p;
    Index t = 0;
    while (t < z.cols() && ++path[std::size_t(t)] == z.rows()) path[std::size_t(t++)] = 0;
    if (t == z.cols()) return all;
  }
}
/// By their score, then by their labels.
bool before(const CtcLabelling& a, const CtcLabelling& b) {
  return a.score != b.score ? a.score > b.score : a.labels < b.labels;
}
std::vector<CtcLabelling> sorted(const std::map<std::vector<Index>, double>& all) {
  std::vector<CtcLabelling> list;
  for (const auto& [labels, p] : all) list.push_back({labels, std::log(p), std::log(p)});
  std::ranges::sort(list, before);
  return list;
}

TEST_CASE("a wide beam finds all labellings, with their probabilities, in their order") {
  for (const Index blank : {0, 1, 2})
    for (const Index steps : {0, 1, 2, 6}) {
      const Matrix<double> z = random_matrix<double>(3, steps, std::uint64_t(7 + steps + blank), 2);
      const auto expected = sorted(all_labellings(z, blank));
      const auto found = ctc_beam_search(z, {.width = 1000, .best = 1000, .blank = blank});
      REQUIRE(found.size() == expected.size());
      for (std::size_t k = 0; k < found.size(); ++k) {
        CHECK(found[k].labels == expected[k].labels);
        CHECK(found[k].log_probability == doctest::Approx(expected[k].log_probability).epsilon(1e-12));
        CHECK(found[k].score == found[k].log_probability);
      }
      CHECK(ctc_beam_search(z, {.width = 1000, .blank = blank}).size() == 1);
    }
}

TEST_CASE("the probability of a labelling is that of the loss") {
  const PackedSequence<double> z = random_sequences<double>(4, {5, 0, 3}, 5);
  const auto found = ctc_beam_search(z, {.width = 2000, .best = 7});
  const Ctc<double> head(4);
  Ctc<double>::Scratch s;
  for (std::size_t k = 0; k < 7; ++k) {
    LabelSequences labels;
    for (const auto& of : found) labels.append(of[std::min(k, of.size() - 1)].labels);
    head.loss(z, labels, s);
    for (std::size_t b = 0; b < found.size(); ++b)
      CHECK(-s.losses[b] == doctest::Approx(found[b][std::min(k, found[b].size() - 1)].log_probability).epsilon(1e-12));
  }
  CHECK((found[1].size() == 1 && found[1][0].labels.empty() && found[1][0].log_probability == 0));
}

TEST_CASE("a narrow beam says what it has followed, and finds more than the best path where paths are many") {
  // Blank is likeliest at each step, but a label somewhere is likelier than none.
  Matrix<double> z = Matrix<double>::Zero(2, 2);
  z.row(0).setConstant(std::log(0.6)), z.row(1).setConstant(std::log(0.4));
  const Ctc<double> head(2);
  CHECK(head.decode({z, pack(z).packing})[0].empty());
  const auto found = ctc_beam_search(z, {.width = 2, .best = 5});
  REQUIRE(found.size() == 2);
  CHECK(found[0].labels == std::vector<Index>{1});
  CHECK(found[0].log_probability == doctest::Approx(std::log(0.64)));
  CHECK(found[1].log_probability == doctest::Approx(std::log(0.36)));
  // Whatever the width, no more than all paths together, and each labelling once.
  const Matrix<double> noise = random_matrix<double>(5, 40, 3, 1);
  for (const Index width : {1, 3, 20}) {
    const auto some = ctc_beam_search(noise, {.width = width, .best = 100});
    CHECK(Index(some.size()) <= width);
    for (std::size_t k = 0; k < some.size(); ++k) {
      LabelSequences labels;
      labels.append(some[k].labels);
      Ctc<double>::Scratch s;
      Ctc<double>(5).loss({noise, pack(noise).packing}, labels, s);
      CHECK(some[k].log_probability <= -s.losses[0] + 1e-9);
      for (std::size_t other = 0; other < k; ++other) CHECK(some[other].labels != some[k].labels);
    }
  }
}

TEST_CASE("a score of labels is added, and can forbid") {
  const Matrix<double> z = random_matrix<double>(3, 5, 11, 1);
  const auto score = [](std::span<const Index> prefix, Index label) {
    if (!prefix.empty() && prefix.back() == label) return -std::numeric_limits<double>::infinity();
    return 0.7 * double(label) - 0.1 * double(prefix.size());
  };
  const auto score_of = [&](const std::vector<Index>& labels) {
    double sum = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) sum += score(std::span(labels).first(i), labels[i]);
    return sum;
  };
  std::vector<CtcLabelling> expected = sorted(all_labellings(z, 0));
  for (CtcLabelling& of : expected) of.score += score_of(of.labels);
  std::erase_if(expected, [](const CtcLabelling& of) { return std::isinf(of.score); });
  std::ranges::sort(expected, before);
  const auto found = ctc_beam_search(z, {.width = 1000, .best = 1000, .score = score});
  REQUIRE(found.size() == expected.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    CHECK(found[k].labels == expected[k].labels);
    CHECK(found[k].score == doctest::Approx(expected[k].score).epsilon(1e-12));
    CHECK(found[k].log_probability == doctest::Approx(expected[k].log_probability).epsilon(1e-12));
  }
}

TEST_CASE("equal labellings come in the order of their numbers, with any number of threads") {
  const PackedSequence<float> z{Matrix<float>::Zero(4, 3 + 3 + 2), random_sequences<float>(1, {3, 3, 2}, 3).packing};
  const int before = threads();
  for (const int n : {1, 2}) {
    set_threads(n);
    const auto found = ctc_beam_search(z, {.width = 500, .best = 500});
    REQUIRE(found.size() == 3);
    for (const auto& of : found)
      for (std::size_t k = 1; k < of.size(); ++k)
        CHECK((of[k - 1].score > of[k].score || (of[k - 1].score == of[k].score && of[k - 1].labels < of[k].labels)));
    CHECK(found[0].size() == found[1].size());
    CHECK(found[0][5].labels == found[1][5].labels);
  }
  set_threads(before);
}

TEST_CASE("options and logits that have no meaning are refused") {
  const Matrix<double> z = random_matrix<double>(3, 2, 1);
  CHECK_THROWS_AS(ctc_beam_search(z, {.width = 0}), std::invalid_argument);
  CHECK_THROWS_AS(ctc_beam_search(z, {.best = 0}), std::invalid_argument);
  CHECK_THROWS_WITH(ctc_beam_search(z, {.blank = 3}), "ctc_beam_search: blank 3, expected 0 to 2");
  CHECK_THROWS_WITH(ctc_beam_search(z, {.score = [](std::span<const Index>,
                                                    Index) { return std::numeric_limits<double>::quiet_NaN(); }}),
                    doctest::Contains("ctc_beam_search: label 1 has a score of"));
  Matrix<double> bad = z;
  bad(1, 1) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(ctc_beam_search(bad), "ctc_beam_search: the logits of step 1 are no finite numbers");
}

}  // namespace ctc_beam_search_test
