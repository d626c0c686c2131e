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
    if (probabilities.size() == 1) return probabilities[0] > T(0.5) ? 1 : 0;
    return std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin();
  }
  /// Probability of that class.
  T confidence() const {
    if (probabilities.size() == 1) return std::max(probabilities[0], 1 - probabilities[0]);
    return *std::max_element(probabilities.begin(), probabilities.end());
  }
  operator T() const {  // NOLINT: implicit
    require(probabilities.size() == 1, "Prediction: ", probabilities.size(),
            " classes are not one number; see probabilities, label() and confidence()");
    return probabilities[0];
  }
};

/// Logits to probabilities, in place: one row is a sigmoid, several are a softmax of each column.
template <class T> void to_probabilities(Matrix<T>& logits) {
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
template <class M> requires Model<M, TokenBatch>
auto infer(const M& model, std::span<const std::int32_t> ids) {
  CacheFor<M, TokenBatch> cache;
  TokenBatch x;
  pack_tokens(std::span<const std::span<const std::int32_t>>(&ids, 1), x);
  return values(model.forward(detail::inference, x, cache));
}
/// x (D, T)
template <class M, class Derived> requires Model<M, PackedSequence<typename Derived::Scalar>>
auto infer(const M& model, const Eigen::MatrixBase<Derived>& x) {
  using T = typename Derived::Scalar;
  CacheFor<M, PackedSequence<T>> cache;
  PackedSequence<T> packed;
  packed.packing.assign(1, x.cols(), [](Index, Index) { return true; });
  packed.values = x;
  return values(model.forward(detail::inference, packed, cache));
}

namespace detail {
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
template <class M> requires Model<M, TokenBatch>
auto predict(const M& model, std::span<const std::int32_t> ids) {
  return detail::as_prediction<M, TokenBatch>(infer(model, ids));
}
template <class M, class Derived> requires Model<M, PackedSequence<typename Derived::Scalar>>
auto predict(const M& model, const Eigen::MatrixBase<Derived>& x) {
  return detail::as_prediction<M, PackedSequence<typename Derived::Scalar>>(infer(model, x));
}

/// The outputs for all sequences of a data set as they are, (K, n) in its order. Models with one output a sequence.
template <class M, class D>
requires Model<M, typename D::Batch> && is_matrix<typename M::template Output<typename D::Batch>>
auto infer(const M& model, const D& data, const EvaluateOptions& options = {}) {
  using Output = typename M::template Output<typename D::Batch>;
  CacheFor<M, typename D::Batch> cache;
  typename D::Batch x;
  Output all;
  std::vector<Index> column(static_cast<std::size_t>(data.size()), -1);  // of a row, in the result
  for (std::size_t k = 0; k < options.rows.size(); ++k)
    column[static_cast<std::size_t>(options.rows[k])] = static_cast<Index>(k);
  const Batches batches = detail::batches_by_length(data, options.rows, options.batch_size);
  for (Index k = 0; k < batches.count(); ++k) {
    data.fill(batches[k], x);
    const Output& output = model.forward(detail::inference, x, cache);
    if (k == 0) all.resize(output.rows(), batches.size());
    for (Index b = 0; b < output.cols(); ++b) {
      const Index row = batches[k][static_cast<std::size_t>(b)];
      all.col(options.rows.empty() ? row : column[static_cast<std::size_t>(row)]) = output.col(b);
    }
  }
  return all;
}
/// The probabilities for all sequences: (1, n) or (classes, n).
template <class M, class D>
requires Model<M, typename D::Batch> && is_matrix<typename M::template Output<typename D::Batch>>
auto predict(const M& model, const D& data, const EvaluateOptions& options = {}) {
  auto probabilities = infer(model, data, options);
  to_probabilities(probabilities);
  return probabilities;
}

}  // namespace unroll::inline UNROLL_ABI
