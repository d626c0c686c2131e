#include <set>

#include <doctest/doctest.h>

#include <unroll/data/split.hpp>

using unroll::Index;

TEST_CASE("the tail is held out unshuffled, from floor(n * (1 - fraction)) on, as Keras does") {
  const auto split = unroll::split_tail(11, 0.25);  // 11 * 0.75 = 8.25
  CHECK(split.training == std::vector<Index>{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(split.validation == std::vector<Index>{8, 9, 10});
  CHECK(unroll::split_tail(25000, 0.1).training.size() == 22500);
  CHECK(unroll::split_tail(10, 0.3).training.size() == 7);
  CHECK(unroll::split_tail(5, 0).validation.empty());
  CHECK_THROWS_WITH(unroll::split_tail(5, 1), "split_tail: fraction is 1, expected 0 or more and less than 1");
}

TEST_CASE("a shuffled split takes every row once, and depends on its seed alone") {
  const auto split = unroll::split_shuffled(100, 0.25, unroll::Rng(3));
  CHECK(split.training.size() == 75);
  CHECK(split.validation.size() == 25);
  std::set<Index> all(split.training.begin(), split.training.end());
  all.insert(split.validation.begin(), split.validation.end());
  CHECK(all.size() == 100);
  CHECK(*std::ranges::min_element(split.validation) < 50);
  CHECK(unroll::split_shuffled(100, 0.25, unroll::Rng(3)).validation == split.validation);
  CHECK(unroll::split_shuffled(100, 0.25, unroll::Rng(4)).validation != split.validation);
}

TEST_CASE("splitting a data set gives two, with the sequences and labels of their rows") {
  const unroll::TokenDataset data({{1}, {2, 2}, {3}, {4}}, std::vector<Index>{10, 20, 30, 40});
  const auto [training, validation] = unroll::split_tail(data, 0.25);
  CHECK(training.size() == 3);
  CHECK(validation.size() == 1);
  CHECK(validation[0][0] == 4);
  CHECK(validation.targets().labels == std::vector<Index>{40});
  const auto [a, b] = unroll::split_shuffled(data, 0.5, unroll::Rng(1));
  CHECK(a.size() + b.size() == 4);
  for (Index k = 0; k < a.size(); ++k) CHECK(a.targets().labels[static_cast<std::size_t>(k)] == 10 * a[k][0]);
}
