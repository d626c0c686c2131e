// Data held out: which rows are for training and which for validation.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include <unroll/core/config.hpp>
#include <unroll/core/random.hpp>
#include <unroll/data/dataset.hpp>

namespace unroll::inline UNROLL_ABI {

/// Rows of a data set in two parts, by their numbers.
struct Split {
  std::vector<Index> training, validation;
};

/// The last rows are held out, unshuffled, from row floor(n * (1 - fraction)) on: Keras's validation_split. Sorted data
/// (all of one class first) want `split_shuffled`.
UNROLL_API Split split_tail(Index n, double fraction);
/// As many rows, drawn at random by the seed.
UNROLL_API Split split_shuffled(Index n, double fraction, Rng rng);

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

#if UNROLL_HEADER_ONLY
#include <unroll/data/split.ipp>
#endif
