// Batches for tests: ragged, with an empty sequence and one of length 1, not sorted.
#pragma once

#include <vector>

#include <unroll/core/pack.hpp>
#include <unroll/core/random.hpp>

inline const std::vector<unroll::Index>& ragged_lengths() {
  static const std::vector<unroll::Index> lengths{1, 6, 0, 4};
  return lengths;
}

/// The padded array (D, B * T), batch-first, of numbers that depend on their place alone.
template <class T>
unroll::Matrix<T> random_matrix(unroll::Index rows, unroll::Index cols, std::uint64_t seed, double scale = 1) {
  unroll::Rng rng(seed);
  unroll::Matrix<T> m(rows, cols);
  for (unroll::Index k = 0; k < m.size(); ++k) m.data()[k] = static_cast<T>(rng.uniform(-scale, scale));
  return m;
}

template <class T>
unroll::PackedSequence<T> random_sequences(unroll::Index features, const std::vector<unroll::Index>& lengths,
                                           unroll::Index steps, std::uint64_t seed = 5) {
  const auto batch = static_cast<unroll::Index>(lengths.size());
  const auto padded = random_matrix<T>(features, batch * steps, seed);
  return unroll::pack(unroll::batch_first(padded.data(), batch, steps, features), std::span(lengths));
}
