// A trained model's outputs as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include <unroll/core/pack.hpp>
#include <unroll/train/evaluate.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// f(output, cache) of the model for x.
template <class M, class In, class F> auto with_output(const M& model, const In& x, const F& f) {
  CacheFor<M, In> cache;
  return f(model.forward(inference, x, cache), cache);
}
}  // namespace detail

/// The model's output for one sequence as it is, without sigmoid or softmax: (K, 1), or (K, T) from a model with an
/// output for every step.
template <class M> auto infer(const M& model, std::span<const std::int32_t> ids) {
  if constexpr (detail::AssertTakes<M, TokenBatch>::takes)
    return detail::with_output(model, pack(ids), [](const auto& output, auto&) { return values(output); });
}
/// x (D, T)
template <class M, class Derived> auto infer(const M& model, const Eigen::MatrixBase<Derived>& x) {
  using T = typename Derived::Scalar;
  if constexpr (detail::AssertTakes<M, PackedSequence<T>>::takes)
    return detail::with_output(model, pack(x), [](const auto& output, auto&) { return values(output); });
}

namespace detail {
/// The steps of each sequence of a batch, in the order of time, to its place.
template <class T>
UNROLL_API void take_sequences(const PackedSequence<T>& batch, std::span<const Index> places,
                               std::vector<Matrix<T>>& out);
/// The columns of a batch to their places, of which there are `size`; what is not that large is made so.
template <class T>
UNROLL_API void take_columns(const Matrix<T>& batch, std::span<const Index> places, Index size, Matrix<T>& out);

template <class T>
void take_sequences(const PackedSequence<T>& batch, std::span<const Index> places, std::vector<Matrix<T>>& out) {
  const Packing& packing = batch.packing;
  require(packing.batch() == static_cast<Index>(places.size()) && batch.values.cols() == packing.total(),
          "infer: the model made ", batch.values.cols(), " columns in ", packing.batch(), " sequences for ",
          places.size());
  for (Index j = 0; j < packing.batch(); ++j) {
    Matrix<T>& y = out[static_cast<std::size_t>(places[static_cast<std::size_t>(packing.row(j))])];
    y.resize(batch.values.rows(), packing.length(j));
    for (Index t = 0; t < packing.length(j); ++t) y.col(t) = batch.values.col(packing.offset(t) + j);
  }
}
template <class T>
void take_columns(const Matrix<T>& batch, std::span<const Index> places, Index size, Matrix<T>& out) {
  require(batch.cols() == static_cast<Index>(places.size()), "infer: the model made ", batch.cols(), " columns for ",
          places.size(), " sequences");
  if (out.cols() != size || out.rows() != batch.rows()) out.resize(batch.rows(), size);
  for (std::size_t b = 0; b < places.size(); ++b) out.col(places[b]) = batch.col(static_cast<Index>(b));
}
/// f(output, cache, places) for all batches of a data set; `places` are those of its sequences among all.
template <class M, class D, class F>
void for_each_output(const M& model, const D& data, RowBatches& batches, const F& f) {
  CacheFor<M, typename D::Batch> cache;
  typename D::Batch x;
  for (Index k = 0; k < batches.count(); ++k) {
    fill_batch(data, batches.rows(k), x);
    f(model.forward(inference, x, cache), cache, batches.places(k));
  }
}
/// What is made of a batch, to the places of its sequences: a matrix (K, n), or one (K, T_i) for each.
template <class T>
void take(const PackedSequence<T>& batch, std::span<const Index> places, Index size, std::vector<Matrix<T>>& out) {
  out.resize(static_cast<std::size_t>(size));
  take_sequences(batch, places, out);
}
template <class T> void take(const Matrix<T>& batch, std::span<const Index> places, Index size, Matrix<T>& out) {
  take_columns(batch, places, size, out);
}
template <class Y>
using TakenOf = std::conditional_t<is_packed<Y>, std::vector<Matrix<ScalarOf<Y>>>, Matrix<ScalarOf<Y>>>;
}  // namespace detail

/// The outputs for all sequences of a data set as they are. From a model with one output a sequence a matrix (K, n), in
/// the order of the data set or of `options.rows`, where a row may be named more than once; from a tagger, with an
/// output for every step, a vector of n matrices (K, T_i) in that order.
template <class M, detail::HasRows D> auto infer(const M& model, const D& data, const EvaluateOptions& options = {}) {
  if constexpr (detail::assert_readable<M, D>()) {
    detail::RowBatches batches("infer", data, options.rows, options.batch_size);
    detail::TakenOf<typename M::template Output<typename D::Batch>> all;
    detail::for_each_output(model, data, batches, [&](const auto& output, auto&, std::span<const Index> places) {
      detail::take(output, places, batches.size(), all);
    });
    return all;
  }
}

#define UNROLL_INFER_INSTANCES(DECLARE, T)                                                                        \
  DECLARE void detail::take_sequences(const PackedSequence<T>&, std::span<const Index>, std::vector<Matrix<T>>&); \
  DECLARE void detail::take_columns(const Matrix<T>&, std::span<const Index>, Index, Matrix<T>&);
#if !UNROLL_HEADER_ONLY
UNROLL_INFER_INSTANCES(extern template, float)
UNROLL_INFER_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI
