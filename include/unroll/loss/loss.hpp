// What all losses share: the concept, labels, and sums that come out the same whatever the number of threads.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/core/packed_sequence.hpp>
#include <unroll/core/parallel.hpp>
#include <unroll/core/range.hpp>

namespace unroll::inline UNROLL_ABI {

/// A mean, and what the sum was divided by to get it: the mean over several batches is
/// sum(loss * weight) / sum(weight), and the gradient of it the same mean of the batches' gradients.
struct LossResult {
  double loss = 0;
  double weight = 0;
};

/// Class labels, one per column of the output, of any integer type, seen without a copy. Token ids (int32) are labels
/// too.
class Labels {
 public:
  Labels() = default;
  template <std::ranges::contiguous_range R>
  requires(std::ranges::sized_range<R> && std::integral<std::ranges::range_value_t<R>>)
  Labels(const R& labels)  // NOLINT: implicit, any container of labels is meant
      : data_(std::ranges::data(labels)),
        size_(static_cast<Index>(std::ranges::size(labels))),
        read_(read<std::ranges::range_value_t<R>>) {}
  /// Labels that are computed when they are asked for: label n is list[n], an Index, of `list.size()`; valid as long as
  /// the list.
  template <class List> requires(!std::ranges::range<List> &&
                                 requires(const List& list, Index n) {
                                   { list.size() } -> std::same_as<Index>;
                                   { list[n] } -> std::same_as<Index>;
                                 } && !std::same_as<List, Labels>)
  Labels(const List& list)  // NOLINT: implicit
      : data_(&list),
        size_(list.size()),
        read_([](const void* data, Index n) { return (*static_cast<const List*>(data))[n]; }) {}

  Index size() const { return size_; }
  /// Throws where n is outside, and for a number that is larger than any Index.
  Index operator[](Index n) const {
    detail::require_index("Labels", "label", n, size_);
    return read_(data_, n);
  }

 private:
  template <class Label> static Index read(const void* data, Index n) {
    const Label label = static_cast<const Label*>(data)[n];
    if constexpr (!std::same_as<Label, bool>)
      require(std::in_range<Index>(label + Label{}), "Labels: label ", n, " is ", label, ", which no class can be");
    return static_cast<Index>(label);
  }

  const void* data_ = nullptr;
  Index size_ = 0;
  Index (*read_)(const void*, Index) = nullptr;
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

/// The same of a loss that looks at whole sequences: it gets the output with its packing, and its targets need not be
/// one for each step. CTC's are shorter, and a language model's are its own tokens (NextToken).
template <class L, class T = float>
concept SequenceLoss =
    requires(const L& loss, const PackedSequence<T>& output, const typename L::template Targets<T>& targets,
             PackedSequence<T>& d_output, std::span<const double> sample_weights) {
      { loss(output, targets, d_output, sample_weights) } -> std::same_as<LossResult>;
      { loss(output, targets) } -> std::same_as<LossResult>;
      { loss.weight(targets) } -> std::convertible_to<double>;
    };

namespace detail {
/// Whether a loss takes an output as it is, a PackedSequence with its packing, or else its matrix alone.
template <class L, class Y, class Targets>
inline constexpr bool takes_whole = requires(const L& loss, const Y& y, const Targets& of) { loss(y, of); };

/// How many columns of an output these targets are for; -1: a kind of target that only its loss knows.
template <class Targets> Index target_columns(const Targets& targets) {
  if constexpr (requires { targets.cols(); })
    return targets.cols();
  else if constexpr (std::convertible_to<const Targets&, Labels>)
    return Labels(targets).size();
  else
    return -1;
}
/// What is wrong where a layer is missing or one too many, while the packing that tells is at hand: for `targets`
/// columns of them and an output with a column for each step, or one for each sequence.
UNROLL_API void check_columns_of_steps(const Packing& packing, Index columns, Index targets);
UNROLL_API void check_columns_of_sequences(const Packing& packing, Index columns, Index targets);
template <class T, class Targets>
void check_columns_of(const Packing& packing, const PackedSequence<T>& output, const Targets& targets) {
  check_columns_of_steps(packing, output.values.cols(), target_columns(targets));
}
template <class T, class Targets>
void check_columns_of(const Packing& packing, const Matrix<T>& output, const Targets& targets) {
  check_columns_of_sequences(packing, output.cols(), target_columns(targets));
}
}  // namespace detail

/// The loss of a model's output, one column per sequence or, in a PackedSequence, one per step, targets in packed order
/// (`pack_steps`). A loss that takes a PackedSequence gets it whole. Allocates nothing once d_output has had its size.
template <class L, class T, class Targets>
LossResult compute_loss(const L& loss, const Matrix<T>& output, const Targets& targets, Matrix<T>& d_output,
                        std::span<const double> sample_weights = {}) {
  return loss(output, targets, d_output, sample_weights);
}
template <class L, class T, class Targets>
LossResult compute_loss(const L& loss, const PackedSequence<T>& output, const Targets& targets,
                        PackedSequence<T>& d_output, std::span<const double> sample_weights = {}) {
  if constexpr (detail::takes_whole<L, PackedSequence<T>, Targets>) {
    return loss(output, targets, d_output, sample_weights);
  } else {
    detail::check_columns_of(output.packing, output, targets);
    d_output.packing = output.packing;
    return loss(output.values, targets, d_output.values, sample_weights);
  }
}
/// Without a gradient.
template <class L, class T, class Targets>
LossResult compute_loss(const L& loss, const Matrix<T>& output, const Targets& targets) {
  return loss(output, targets);
}
template <class L, class T, class Targets>
LossResult compute_loss(const L& loss, const PackedSequence<T>& output, const Targets& targets) {
  if constexpr (detail::takes_whole<L, PackedSequence<T>, Targets>) {
    return loss(output, targets);
  } else {
    detail::check_columns_of(output.packing, output, targets);
    return loss(output.values, targets);
  }
}
/// The matrix of an output of either kind, for `correct`.
template <class T> const Matrix<T>& output_values(const Matrix<T>& output) { return output; }
template <class T> const Matrix<T>& output_values(const PackedSequence<T>& output) { return output.values; }
template <class Output>
using ScalarOf = typename std::remove_cvref_t<decltype(output_values(std::declval<const Output&>()))>::Scalar;

namespace detail {
/// loss.correct(..) of an output as the loss takes it.
template <class L, class Y, class Targets>
inline constexpr bool counts_right = requires(const L& loss, const Y& y, const Targets& of) {
  loss.correct(y, of);
} || requires(const L& loss, const Y& y, const Targets& of) { loss.correct(output_values(y), of); };
template <class L, class Y, class Targets> Index count_right(const L& loss, const Y& y, const Targets& of) {
  if constexpr (requires { loss.correct(y, of); })
    return loss.correct(y, of);
  else
    return loss.correct(output_values(y), of);
}

/// sum of f(n) over 0 .. n - 1 in double. The columns are cut into pieces that depend on n alone, so the sum has one
/// order; `cost` is about how many elements a column has.
template <class F> double ordered_sum(Index n, Index cost, const F& f) {
  constexpr Index most = 64;
  const Index pieces = (std::min)(n, most);
  double sums[most] = {};
  const auto sum = [&](Index first, Index last) {
    for (Index k = first; k < last; ++k) {
      double s = 0;
      for (Index column = n * k / pieces; column < n * (k + 1) / pieces; ++column) s += f(column);
      sums[k] = s;
    }
  };
  const Index piece_cost = (std::max<Index>)(1, n / (std::max<Index>)(pieces, 1) * (std::max<Index>)(cost, 1));
  parallel_ranges(pieces, (std::max<Index>)(1, 8192 / piece_cost), sum);
  double total = 0;
  for (Index k = 0; k < pieces; ++k) total += sums[k];
  return total;
}

UNROLL_API void check_columns(const char* who, Index columns, Index targets);
/// Throws for a label that is neither a class nor the one to be ignored.
UNROLL_API void check_labels(const char* who, Labels labels, Index classes, Index ignored);
/// How many are not to be ignored.
UNROLL_API Index count_labels(Labels labels, Index ignored);
/// Weights of classes, outputs or samples.
UNROLL_API void check_weights(const char* who, const char* what, std::span<const double> weights);
UNROLL_API void check_sample_weights(const char* who, Index columns, std::span<const double> weights);
inline double at_or_one(std::span<const double> weights, Index n) {
  return weights.empty() ? 1.0 : weights[static_cast<std::size_t>(n)];
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/loss/loss.ipp>
#endif
