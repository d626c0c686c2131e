// Data held out: which rows are for training and which for validation.
#pragma once

#include <cmath>
#include <numeric>
#include <utility>

#include <unroll/core/random.hpp>
#include <unroll/data/dataset.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Fisher and Yates: every order is as likely as any other.
template <class Value> void shuffle(std::span<Value> values, Rng rng) {
  for (std::size_t k = values.size(); k > 1; --k) std::swap(values[k - 1], values[as<std::size_t>(rng.below(k))]);
}
}  // namespace detail

/// Rows of a data set in two parts, by their numbers.
struct Split {
  std::vector<Index> training, validation;
};

/// The last rows are held out, unshuffled, from row floor(n * (1 - fraction)) on: Keras's validation_split. Sorted data
/// (all of one class first) want `split_shuffled`.
inline Split split_tail(Index n, double fraction) {
  detail::require_at_least("split_tail", "the number of rows", n, 0);
  detail::require_fraction("split_tail", "fraction", fraction);
  const auto at = static_cast<Index>(std::floor(static_cast<double>(n) * (1 - fraction)));
  Split split{std::vector<Index>(static_cast<std::size_t>(at)), std::vector<Index>(static_cast<std::size_t>(n - at))};
  std::iota(split.training.begin(), split.training.end(), Index(0));
  std::iota(split.validation.begin(), split.validation.end(), at);
  return split;
}

/// As many rows, drawn at random by the seed.
inline Split split_shuffled(Index n, double fraction, Rng rng) {
  Split split = split_tail(n, fraction);
  std::vector<Index> order(split.training);
  order.insert(order.end(), split.validation.begin(), split.validation.end());
  detail::shuffle(std::span(order), rng);
  std::copy_n(order.begin(), split.training.size(), split.training.begin());
  std::copy(order.begin() + static_cast<std::ptrdiff_t>(split.training.size()), order.end(), split.validation.begin());
  return split;
}

/// The data sets themselves, training and validation, copied: `auto [training, validation] = split_tail(data, 0.1);`
template <class D> requires requires(const D& data, std::span<const Index> rows) { data.select(rows); }
std::pair<D, D> split_tail(const D& data, double fraction) {
  const Split split = split_tail(data.size(), fraction);
  return {data.select(split.training), data.select(split.validation)};
}
template <class D> requires requires(const D& data, std::span<const Index> rows) { data.select(rows); }
std::pair<D, D> split_shuffled(const D& data, double fraction, Rng rng) {
  const Split split = split_shuffled(data.size(), fraction, rng);
  return {data.select(split.training), data.select(split.validation)};
}

}  // namespace unroll::inline UNROLL_ABI
