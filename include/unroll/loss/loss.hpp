// What all losses share: the concept, labels, and sums that come out the same whatever the number of threads.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <ranges>
#include <span>
#include <type_traits>
#include <vector>

#include <unroll/core/packed_sequence.hpp>
#include <unroll/kernel/parallel.hpp>

namespace unroll::inline UNROLL_ABI {

/// A mean, and what the sum was divided by to get it: the mean over several batches is
/// sum(loss * weight) / sum(weight), and the gradient of it the same mean of the batches' gradients.
struct LossResult {
  double loss = 0;
  double weight = 0;
};

/// Class labels, one per column of the output, seen without a copy. Token ids (int32) are labels too.
class Labels {
 public:
  Labels() = default;
  template <std::ranges::contiguous_range R>
  requires(std::ranges::sized_range<R> && (std::same_as<std::ranges::range_value_t<R>, Index> ||
                                           std::same_as<std::ranges::range_value_t<R>, std::int32_t>))
  Labels(const R& labels)  // NOLINT: implicit, any container of labels is meant
      : size_(static_cast<Index>(std::ranges::size(labels))) {
    if constexpr (std::same_as<std::ranges::range_value_t<R>, Index>)
      wide_ = std::ranges::data(labels);
    else
      narrow_ = std::ranges::data(labels);
  }

  Index size() const { return size_; }
  Index operator[](Index n) const { return wide_ != nullptr ? wide_[n] : Index(narrow_[n]); }

 private:
  const Index* wide_ = nullptr;
  const std::int32_t* narrow_ = nullptr;
  Index size_ = 0;
};

/// A loss is a value: `loss(output, targets, d_output, sample_weights)` returns the mean over the batch and writes its
/// gradient with respect to the output; `loss(output, targets)` returns the mean alone. `Targets<T>` is what a batch of
/// targets is kept in: one label or one column per column of the output. Sample weights, one per column or none,
/// multiply the column's loss and do not change what the mean divides by (PyTorch's `weight` of the binary loss,
/// Keras's `sample_weight`). `loss.weight(targets)` is LossResult::weight beforehand, for batches that are split up.
/// Axiom: d_output is the gradient of the returned loss.
template <class L, class T = float>
concept Loss = requires(const L& loss, const Matrix<T>& output, const typename L::template Targets<T>& targets,
                        Matrix<T>& d_output, std::span<const double> sample_weights) {
  { loss(output, targets, d_output, sample_weights) } -> std::same_as<LossResult>;
  { loss(output, targets) } -> std::same_as<LossResult>;
  { loss.weight(targets) } -> std::convertible_to<double>;
};

/// A loss whose output decides for a class: `correct(output, targets)` columns are decided rightly, of
/// `count(targets)`.
template <class L, class T = float>
concept Classification =
    Loss<L, T> && requires(const L& loss, const Matrix<T>& output, const typename L::template Targets<T>& targets) {
      { loss.correct(output, targets) } -> std::same_as<Index>;
      { loss.count(targets) } -> std::same_as<Index>;
    };

/// The loss of a model's output, one column per sequence or, in a PackedSequence, one per step, targets in packed order
/// (`pack_steps`). Allocates nothing once d_output has had its size.
template <class L, class T, class Targets>
LossResult compute_loss(const L& loss, const Matrix<T>& output, const Targets& targets, Matrix<T>& d_output,
                        std::span<const double> sample_weights = {}) {
  return loss(output, targets, d_output, sample_weights);
}
template <class L, class T, class Targets>
LossResult compute_loss(const L& loss, const PackedSequence<T>& output, const Targets& targets,
                        PackedSequence<T>& d_output, std::span<const double> sample_weights = {}) {
  d_output.packing = output.packing;
  return loss(output.values, targets, d_output.values, sample_weights);
}
/// Without a gradient.
template <class L, class T, class Targets>
LossResult compute_loss(const L& loss, const Matrix<T>& output, const Targets& targets) {
  return loss(output, targets);
}
template <class L, class T, class Targets>
LossResult compute_loss(const L& loss, const PackedSequence<T>& output, const Targets& targets) {
  return loss(output.values, targets);
}
/// The matrix of an output of either kind, for `correct`.
template <class T> const Matrix<T>& output_values(const Matrix<T>& output) { return output; }
template <class T> const Matrix<T>& output_values(const PackedSequence<T>& output) { return output.values; }
template <class Output>
using ScalarOf = typename std::remove_cvref_t<decltype(output_values(std::declval<const Output&>()))>::Scalar;

namespace detail {
/// sum of f(n) over 0 .. n - 1 in double. The columns are cut into pieces that depend on n alone, so the sum has one
/// order; `cost` is about how many elements a column has.
template <class F> double ordered_sum(Index n, Index cost, const F& f) {
  constexpr Index most = 64;
  const Index pieces = std::min(n, most);
  double sums[most] = {};
  const auto sum = [&](Index first, Index last) {
    for (Index k = first; k < last; ++k) {
      double s = 0;
      for (Index column = n * k / pieces; column < n * (k + 1) / pieces; ++column) s += f(column);
      sums[k] = s;
    }
  };
  const Index piece_cost = std::max<Index>(1, n / std::max<Index>(pieces, 1) * std::max<Index>(cost, 1));
  parallel_ranges(pieces, std::max<Index>(1, 8192 / piece_cost), sum);
  double total = 0;
  for (Index k = 0; k < pieces; ++k) total += sums[k];
  return total;
}

inline void check_columns(const char* who, Index columns, Index targets, std::size_t sample_weights) {
  require(columns == targets, who, ": ", targets, " targets for an output of ", columns, " columns");
  require(sample_weights == 0 || static_cast<Index>(sample_weights) == columns, who, ": ", sample_weights,
          " sample weights for an output of ", columns, " columns");
}
inline double at_or_one(std::span<const double> weights, Index n) {
  return weights.empty() ? 1.0 : weights[static_cast<std::size_t>(n)];
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
