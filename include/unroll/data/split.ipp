// Bodies of data/split.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include <unroll/core/range.hpp>
#include <unroll/data/shuffle.hpp>
#include <unroll/data/split.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION Split split_tail(Index n, double fraction) {
  detail::require_at_least("split_tail", "the number of rows", n, 0);
  detail::require_fraction("split_tail", "fraction", fraction);
  const auto at = static_cast<Index>(std::floor(static_cast<double>(n) * (1 - fraction)));
  Split split{std::vector<Index>(static_cast<std::size_t>(at)), std::vector<Index>(static_cast<std::size_t>(n - at))};
  std::iota(split.training.begin(), split.training.end(), Index(0));
  std::iota(split.validation.begin(), split.validation.end(), at);
  return split;
}

UNROLL_FUNCTION Split split_shuffled(Index n, double fraction, Rng rng) {
  Split split = split_tail(n, fraction);
  std::vector<Index> order(split.training);
  order.insert(order.end(), split.validation.begin(), split.validation.end());
  detail::shuffle(std::span(order), rng);
  std::copy_n(order.begin(), split.training.size(), split.training.begin());
  std::copy(order.begin() + static_cast<std::ptrdiff_t>(split.training.size()), order.end(), split.validation.begin());
  return split;
}

}  // namespace unroll::inline UNROLL_ABI
