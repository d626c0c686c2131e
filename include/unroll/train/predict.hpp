// A trained model's answers.
#pragma once

#include <cmath>

#include <unroll/train/evaluate.hpp>

namespace unroll::inline UNROLL_ABI {

/// Probabilities of one sequence. Converts to a number where the model has one output: `float p = predict(model, ids);`
template <class T = float> struct Prediction {
  std::vector<T> probabilities;  ///< of every class; with one output, of class 1 alone

  /// The class that is decided for.
  Index label() const {
    check();
    if (probabilities.size() == 1) return probabilities[0] > T(0.5) ? 1 : 0;
    return std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin();
  }
  /// Probability of that class.
  T confidence() const {
    check();
    if (probabilities.size() == 1) return (std::max)(probabilities[0], 1 - probabilities[0]);
    return *std::max_element(probabilities.begin(), probabilities.end());
  }
  operator T() const {  // NOLINT: implicit
    require(probabilities.size() == 1, "Prediction: ", probabilities.size(),
            " classes are not one number; see probabilities, label() and confidence()");
    return probabilities[0];
  }

 private:
  void check() const { require(!probabilities.empty(), "Prediction: there are no probabilities"); }
};

/// Logits to probabilities, in place: one row is a sigmoid, several are a softmax of each column.
template <class T> UNROLL_API void to_probabilities(Matrix<T>& logits);

template <class T> void to_probabilities(Matrix<T>& logits) {
  if (logits.size() == 0) return;
  for (Index n = 0; n < logits.cols(); ++n) {
    auto x = logits.col(n);
    if (logits.rows() == 1) {
      const T e = std::exp(-std::abs(x[0]));
      x[0] = x[0] < 0 ? e / (1 + e) : 1 / (1 + e);
    } else {
      x.array() -= x.maxCoeff();
      for (Index c = 0; c < x.size(); ++c) x[c] = std::exp(x[c]);
      x /= x.sum();
    }
  }
}

/// The model's output for one sequence as it is, without sigmoid or softmax: (K, 1), or (K, T) from a model with an
/// output for every step.
template <class M> auto infer(const M& model, std::span<const std::int32_t> ids) {
  if constexpr (detail::AssertTakes<M, TokenBatch>::takes) {
    CacheFor<M, TokenBatch> cache;
    TokenBatch x;
    pack_tokens(std::span<const std::span<const std::int32_t>>(&ids, 1), x);
    return values(model.forward(detail::inference, x, cache));
  }
}
/// x (D, T)
template <class M, class Derived> auto infer(const M& model, const Eigen::MatrixBase<Derived>& x) {
  using T = typename Derived::Scalar;
  if constexpr (detail::AssertTakes<M, PackedSequence<T>>::takes) {
    CacheFor<M, PackedSequence<T>> cache;
    PackedSequence<T> packed;
    packed.packing.assign(1, x.cols(), [](Index, Index) { return true; });
    packed.values = x;
    return values(model.forward(detail::inference, packed, cache));
  }
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
template <class M, class In, class T> auto as_prediction(Matrix<T> output) {
  to_probabilities(output);
  if constexpr (is_packed<typename M::template Output<In>>)
    return output;
  else
    return Prediction<T>{std::vector<T>(output.data(), output.data() + output.size())};
}
}  // namespace detail

/// The probabilities that a classifier gives one sequence, as a Prediction; from a tagger, with an output for every
/// step, a matrix (classes, T). Not for regression: see `infer`.
template <class M> auto predict(const M& model, std::span<const std::int32_t> ids) {
  if constexpr (detail::AssertTakes<M, TokenBatch>::takes)
    return detail::as_prediction<M, TokenBatch>(infer(model, ids));
}
template <class M, class Derived> auto predict(const M& model, const Eigen::MatrixBase<Derived>& x) {
  using In = PackedSequence<typename Derived::Scalar>;
  if constexpr (detail::AssertTakes<M, In>::takes) return detail::as_prediction<M, In>(infer(model, x));
}

/// The outputs for all sequences of a data set as they are. From a model with one output a sequence a matrix (K, n), in
/// the order of the data set or of `options.rows`, where a row may be named more than once; from a tagger, with an
/// output for every step, a vector of n matrices (K, T_i) in that order.
template <class M, detail::HasRows D> auto infer(const M& model, const D& data, const EvaluateOptions& options = {}) {
  if constexpr (detail::assert_readable<M, D>()) {
    using Output = typename M::template Output<typename D::Batch>;
    using T = ScalarOf<Output>;
    constexpr bool per_step = is_packed<Output>;
    CacheFor<M, typename D::Batch> cache;
    typename D::Batch x;
    detail::RowBatches batches("infer", data, options.rows, options.batch_size);
    std::conditional_t<per_step, std::vector<Matrix<T>>, Matrix<T>> all;
    if constexpr (per_step) all.resize(static_cast<std::size_t>(batches.size()));
    for (Index k = 0; k < batches.count(); ++k) {
      detail::fill_batch(data, batches.rows(k), x);
      const Output& output = model.forward(detail::inference, x, cache);
      const auto places = batches.places(k);
      if constexpr (per_step)
        detail::take_sequences(output, places, all);
      else
        detail::take_columns(values(output), batches.places(k), batches.size(), all);
    }
    return all;
  }
}
/// The probabilities for all sequences: (1, n) or (classes, n); from a tagger a matrix (1, T_i) or (classes, T_i) for
/// each. Order and rows are those of `infer`.
template <class M, detail::HasRows D> auto predict(const M& model, const D& data, const EvaluateOptions& options = {}) {
  if constexpr (detail::assert_readable<M, D>()) {
    auto probabilities = infer(model, data, options);
    if constexpr (is_matrix<decltype(probabilities)>)
      to_probabilities(probabilities);
    else
      for (auto& sequence : probabilities) to_probabilities(sequence);
    return probabilities;
  }
}

#define UNROLL_PREDICT_INSTANCES(DECLARE, T)                                                                      \
  DECLARE void to_probabilities(Matrix<T>&);                                                                      \
  DECLARE void detail::take_sequences(const PackedSequence<T>&, std::span<const Index>, std::vector<Matrix<T>>&); \
  DECLARE void detail::take_columns(const Matrix<T>&, std::span<const Index>, Index, Matrix<T>&);
#if !UNROLL_HEADER_ONLY
UNROLL_PREDICT_INSTANCES(extern template, float)
UNROLL_PREDICT_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI
