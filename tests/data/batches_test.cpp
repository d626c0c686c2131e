#include <doctest/doctest.h>

#include <unroll/data/batches.hpp>

using unroll::Batches;
using unroll::Index;

namespace {
/// 1003 sequences of lengths 0 .. 99.
const unroll::TokenDataset& data() {
  static const unroll::TokenDataset of = [] {
    std::vector<std::vector<std::int32_t>> ids;
    unroll::Rng rng(1);
    for (int k = 0; k < 1003; ++k) ids.emplace_back(rng.below(100), 1);
    return unroll::TokenDataset(ids);
  }();
  return of;
}
std::vector<Index> order(const Batches& batches) {
  std::vector<Index> rows;
  for (Index k = 0; k < batches.count(); ++k) rows.insert(rows.end(), batches[k].begin(), batches[k].end());
  return rows;
}
std::vector<Index> sorted(std::vector<Index> rows) {
  std::ranges::sort(rows);
  return rows;
}
std::vector<Index> all_rows() { return unroll::split_tail(data().size(), 0).training; }
}  // namespace

TEST_CASE("every row is in one batch of every epoch, and the last batch is what is left") {
  for (const bool similar : {false, true}) {
    Batches batches(data(), {.batch_size = 64, .similar_length = similar, .pool = 3});
    CHECK(batches.count() == 16);
    for (const Index epoch : {0, 1, 7}) {
      batches.start_epoch(epoch);
      CHECK(sorted(order(batches)) == all_rows());
      CHECK(batches[15].size() == 1003 - 15 * 64);
    }
  }
  CHECK(Batches(data(), {.batch_size = 2000}).count() == 1);
  CHECK(Batches(std::vector<Index>{}, {}, [](Index) { return 0; }).count() == 0);
}

TEST_CASE("without shuffling rows come in order") {
  Batches batches(data(), {.batch_size = 10, .shuffle = false});
  batches.start_epoch(5);
  CHECK(order(batches) == all_rows());
}

TEST_CASE("the order is another in every epoch and for every seed, and the same again for the same two") {
  for (const bool similar : {false, true}) {
    const auto of = [&](std::uint64_t seed, Index epoch) {
      Batches batches(data(), {.batch_size = 64, .similar_length = similar, .pool = 4, .seed = seed});
      batches.start_epoch(epoch);
      return order(batches);
    };
    const auto first = of(1, 0);
    CHECK(first != all_rows());
    CHECK(of(1, 1) != first);
    CHECK(of(2, 0) != first);
    Batches batches(data(), {.batch_size = 64, .similar_length = similar, .pool = 4, .seed = 1});
    batches.start_epoch(3);
    batches.start_epoch(0);
    CHECK(order(batches) == first);
  }
}

TEST_CASE("shuffling puts every row at every place about equally often") {
  std::vector<std::vector<int>> count(5, std::vector<int>(5));
  Batches batches({0, 1, 2, 3, 4}, {}, [](Index) { return 1; });
  constexpr int epochs = 5000;
  for (Index epoch = 0; epoch < epochs; ++epoch) {
    batches.start_epoch(epoch);
    for (std::size_t place = 0; place < 5; ++place) ++count[static_cast<std::size_t>(batches[0][place])][place];
  }
  for (const auto& row : count)
    for (const int n : row) CHECK(std::abs(n - epochs / 5) < 150);  // more than five deviations
}

TEST_CASE("batches by similar length hold lengths close to each other, in shuffled order") {
  const auto spread = [](bool similar) {
    Batches batches(data(), {.batch_size = 50, .similar_length = similar, .pool = 10});
    Index sum = 0;
    std::vector<Index> longest;
    for (Index k = 0; k + 1 < batches.count(); ++k) {
      Index low = 1000, high = 0;
      for (const Index row : batches[k])
        low = std::min(low, data().length(row)), high = std::max(high, data().length(row));
      sum += high - low;
      longest.push_back(high);
    }
    if (similar) CHECK_FALSE(std::ranges::is_sorted(longest, std::greater<>()));
    return sum / (batches.count() - 1);
  };
  CHECK(spread(false) > 90);
  CHECK(spread(true) < 15);
}

TEST_CASE("options without meaning are refused") {
  CHECK_THROWS_WITH(Batches(data(), {.batch_size = 0}), "Batches: batch_size is 0, expected at least 1");
}
