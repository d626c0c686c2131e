// BLEU by hand; tests/golden/bleu_test.cpp compares a corpus with sacreBLEU's.
#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/metric/bleu.hpp>
#include <unroll/metric/exact_match.hpp>

namespace {

using namespace unroll;
using Ids = std::vector<std::int32_t>;
using Words = std::vector<std::string>;

doctest::Approx about(double x) { return doctest::Approx(x).epsilon(1e-13); }

BleuScore bleu_of(const Ids& hypothesis, const Ids& reference, const BleuOptions& options = {}) {
  return corpus_bleu(std::vector<Ids>{hypothesis}, std::vector<Ids>{reference}, options);
}

}  // namespace

TEST_CASE("a corpus that equals its references has a BLEU of 100") {
  const BleuScore s = corpus_bleu(std::vector<Ids>{{1, 2, 3, 4, 5}, {7, 7}}, std::vector<Ids>{{1, 2, 3, 4, 5}, {7, 7}});
  CHECK(s.score == 100);
  CHECK(s.precisions == std::array<double, 4>{100, 100, 100, 100});
  CHECK(s.totals == std::array<Index, 4>{7, 5, 3, 2});
  CHECK(s.matches == s.totals);
  CHECK(s.brevity_penalty == 1);
  CHECK(s.ratio() == 1);
  CHECK(s.str() == "BLEU 100.0 (100.0/100.0/100.0/100.0, brevity penalty 1.00, ratio 1.00, 7 of 7 tokens)");
}

TEST_CASE("BLEU is the brevity penalty times the geometric mean of clipped precisions") {
  // "the cat the cat on the mat" for "the cat is on the mat today .": "the" is right twice, not 3 times
  const BleuScore s = bleu_of({1, 2, 1, 2, 3, 1, 4}, {1, 2, 5, 3, 1, 4, 6, 8});
  CHECK(s.matches == std::array<Index, 4>{5, 3, 1, 0});
  CHECK(s.totals == std::array<Index, 4>{7, 6, 5, 4});
  CHECK(s.precisions[0] == about(500.0 / 7));
  CHECK(s.precisions[1] == about(50));
  CHECK(s.precisions[2] == about(20));
  CHECK(s.precisions[3] == about(12.5));  // no match of 4 counts as half a match
  CHECK(s.brevity_penalty == about(std::exp(-1.0 / 7)));
  CHECK(s.score == about(100 * std::exp(-1.0 / 7) * std::pow(5.0 / 7 / 2 / 5 / 8, 0.25)));
  CHECK(s.str() == "BLEU 26.6 (71.4/50.0/20.0/12.5, brevity penalty 0.87, ratio 0.88, 7 of 8 tokens)");
}

TEST_CASE("every further order without a match counts as half of the one before") {
  const BleuScore s = bleu_of({1, 9, 2, 9, 3}, {1, 2, 3});
  CHECK(s.matches == std::array<Index, 4>{3, 0, 0, 0});
  CHECK(s.precisions[1] == about(100.0 / 2 / 4));
  CHECK(s.precisions[2] == about(100.0 / 4 / 3));
  CHECK(s.precisions[3] == about(100.0 / 8 / 2));
  CHECK(s.brevity_penalty == 1);
  CHECK(s.score == about(100 * std::pow(3.0 / 5 / 8 / 12 / 16, 0.25)));
}

TEST_CASE("without a token that is right nothing is smoothed") {
  const BleuScore s = bleu_of({1, 2, 3, 4, 5}, {6, 7, 8, 9, 10, 11});
  CHECK(s.score == 0);
  CHECK(s.precisions == std::array<double, 4>{});
  CHECK(s.brevity_penalty == about(std::exp(-0.2)));
}

TEST_CASE("hypotheses shorter than 4 tokens have a BLEU of 0, unless the order is the effective one") {
  CHECK(bleu_of({1, 2, 3}, {1, 2, 3}).score == 0);
  CHECK(bleu_of({1, 2, 3}, {1, 2, 3}).precisions == std::array<double, 4>{100, 100, 100, 0});
  CHECK(bleu_of({1, 2, 3}, {1, 2, 3}, {.effective_order = true}).score == 100);
  CHECK(bleu_of({1, 2, 4}, {1, 2, 3}, {.effective_order = true}).score == about(100 * std::cbrt(2.0 / 3 / 2 / 2)));
}

TEST_CASE("an empty hypothesis has a BLEU of 0 and makes a corpus shorter") {
  const BleuScore none = bleu_of({}, {1, 2});
  CHECK(none.score == 0);
  CHECK(none.brevity_penalty == 0);
  CHECK(bleu_of({}, {}).ratio() == 0);
  const BleuScore s = corpus_bleu(std::vector<Ids>{{1, 2, 3, 4}, {}}, std::vector<Ids>{{1, 2, 3, 4}, {1, 2}});
  CHECK(s.score == about(100 * std::exp(-0.5)));
  CHECK(s.reference_length == 6);
}

TEST_CASE("of several references the most of each n-gram and the closest length count") {
  Bleu bleu;
  bleu.add(Ids{1, 1, 1, 2, 3}, std::vector<Ids>{{8, 9}, {1, 1, 4, 5, 6, 7}, {1, 2, 3, 9}});
  const BleuScore s = bleu.score();
  CHECK(s.matches == std::array<Index, 4>{4, 3, 1, 0});  // 1 counts twice, 1 1 once
  CHECK(s.reference_length == 4);                        // 6 and 4 are as close: the shorter
  CHECK(s.brevity_penalty == 1);
}

TEST_CASE("n-grams do not reach over the ends of sentences, and any id is a token") {
  Bleu bleu;
  bleu.add(Ids{0, -1}, Ids{0});
  bleu.add(Ids{0, 0}, Ids{-1, 0, 0});
  CHECK(bleu.score().matches == std::array<Index, 4>{3, 1, 0, 0});
  CHECK(bleu.score().totals == std::array<Index, 4>{4, 2, 0, 0});
}

TEST_CASE("words are compared as ids are, and sums of batches are exact") {
  const std::vector<Words> hypotheses{{"the", "cat", "sat", "on", "a", "mat"}, {"yes", "it", "does"}, {}};
  const std::vector<std::vector<Words>> references{
      {{"the", "cat", "sat", "on", "the", "mat"}, {"a", "cat"}}, {{"it", "does"}}, {{"no"}, {}}};
  const std::vector<Ids> ids{{1, 2, 3, 4, 5, 6}, {7, 8, 9}, {}};
  const std::vector<std::vector<Ids>> of_ids{{{1, 2, 3, 4, 1, 6}, {5, 2}}, {{8, 9}}, {{10}, {}}};
  Bleu all, parts[2];
  for (std::size_t n = 0; n < 3; ++n) {
    all.add(hypotheses[n], references[n]);
    parts[n % 2].add(ids[n], of_ids[n]);
  }
  parts[0] += parts[1];
  CHECK(parts[0] == all);
  CHECK(all.sentences() == 3);
  CHECK(corpus_bleu(hypotheses, references) == all.score());
  CHECK(corpus_bleu(ids, of_ids) == all.score());
  CHECK(all.score().matches == std::array<Index, 4>{8, 4, 2, 1});

  Bleu one, same;
  one.add(Words{"a", "b"}, Words{"a", "a", "b"});
  same.add(Ids{1, 2}, Ids{1, 1, 2});
  CHECK(one == same);
}

TEST_CASE(
    "BLEU is refused an empty corpus, other numbers of references than of hypotheses and a sentence without one") {
  CHECK_THROWS_WITH_AS(Bleu().score(), "Bleu: no sentence was added, a score needs at least one",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(corpus_bleu(std::vector<Ids>{{1}, {2}}, std::vector<Ids>{{1}}),
                       "corpus_bleu: 2 hypotheses and 1 references, expected as many", std::invalid_argument);
  CHECK_THROWS_AS(corpus_bleu(std::vector<Words>{}, std::vector<Words>{}), std::invalid_argument);
  Bleu bleu;
  bleu.add(Ids{1}, Ids{1});
  const Bleu before = bleu;
  CHECK_THROWS_WITH_AS(bleu.add(Ids{1}, std::vector<Ids>{}), "Bleu: sentence 1 has no reference, expected at least one",
                       std::invalid_argument);
  CHECK_THROWS_AS(bleu.add(Words{"a"}, std::vector<Words>{}), std::invalid_argument);
  CHECK(bleu == before);
}

TEST_CASE("exact matches are sentences that are right as a whole") {
  CHECK(exact_match(std::vector<Ids>{{1, 2}, {1}, {}, {3}}, std::vector<Ids>{{1, 2}, {1, 2}, {}, {4}}) == 0.5);
  CHECK(exact_match(Words{"a b", "c"}, Words{"a b", "c"}) == 1);
  CHECK_THROWS_WITH_AS(exact_match(Words{"a"}, Words{}), "exact_match: 1 hypotheses and 0 references, expected as many",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(exact_match(Words{}, Words{}), "exact_match: no hypothesis, expected at least one",
                       std::invalid_argument);
}
