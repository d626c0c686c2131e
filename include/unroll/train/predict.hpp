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

namespace detail {
inline TokenBatch one_sequence(std::span<const std::int32_t> ids) {
  TokenBatch x;
  pack_tokens(std::span<const std::span<const std::int32_t>>(&ids, 1), x);
  return x;
}
template <class Derived> auto one_sequence(const Eigen::MatrixBase<Derived>& x) {
  PackedSequence<typename Derived::Scalar> packed;
  packed.packing.assign(1, x.cols(), [](Index, Index) { return true; });
  packed.values = x;
  return packed;
}
/// f(output, cache) of the model for x.
template <class M, class In, class F> auto with_output(const M& model, const In& x, const F& f) {
  CacheFor<M, In> cache;
  return f(model.forward(inference, x, cache), cache);
}
/// What the head of a model decodes, in its scratch.
template <class M, class Output, class Cache>
const auto& decode(const M& model, const Output& output, Cache& cache, HeadScratch<M>& scratch) {
  check_head_is_last(model, cache, output);
  const auto& head = head_of(model);
  if constexpr (requires { head.share(model, static_cast<M*>(nullptr), scratch); })
    head.share(model, static_cast<M*>(nullptr), scratch);
  return head.decode(output, scratch);
}
}  // namespace detail

/// The model's output for one sequence as it is, without sigmoid or softmax: (K, 1), or (K, T) from a model with an
/// output for every step.
template <class M> auto infer(const M& model, std::span<const std::int32_t> ids) {
  if constexpr (detail::AssertTakes<M, TokenBatch>::takes)
    return detail::with_output(model, detail::one_sequence(ids),
                               [](const auto& output, auto&) { return values(output); });
}
/// x (D, T)
template <class M, class Derived> auto infer(const M& model, const Eigen::MatrixBase<Derived>& x) {
  using T = typename Derived::Scalar;
  if constexpr (detail::AssertTakes<M, PackedSequence<T>>::takes)
    return detail::with_output(model, detail::one_sequence(x),
                               [](const auto& output, auto&) { return values(output); });
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
/// The same of one label for each column of a Matrix, or of a PackedSequence.
template <class T>
void take_labels(const Matrix<T>&, const std::vector<Index>& labels, std::span<const Index> places,
                 std::vector<Index>& out) {
  for (std::size_t b = 0; b < places.size(); ++b) out[static_cast<std::size_t>(places[b])] = labels[b];
}
template <class T>
void take_labels(const PackedSequence<T>& batch, const std::vector<Index>& labels, std::span<const Index> places,
                 std::vector<std::vector<Index>>& out) {
  const Packing& packing = batch.packing;
  for (Index j = 0; j < packing.batch(); ++j) {
    auto& y = out[static_cast<std::size_t>(places[static_cast<std::size_t>(packing.row(j))])];
    for (Index t = 0; t < packing.length(j); ++t) y.push_back(labels[static_cast<std::size_t>(packing.offset(t) + j)]);
  }
}
template <class T>
void take_columns(const Matrix<T>& batch, std::span<const Index> places, Index size, Matrix<T>& out) {
  require(batch.cols() == static_cast<Index>(places.size()), "infer: the model made ", batch.cols(), " columns for ",
          places.size(), " sequences");
  if (out.cols() != size || out.rows() != batch.rows()) out.resize(batch.rows(), size);
  for (std::size_t b = 0; b < places.size(); ++b) out.col(places[b]) = batch.col(static_cast<Index>(b));
}
/// An answer to one sequence: what the head decodes, or probabilities.
template <class M, class In> auto answer(const M& model, const In& x) {
  using Output = typename M::template Output<In>;
  return with_output(model, x, [&](const auto& output, auto& cache) {
    if constexpr (has_head<M>) {
      HeadScratch<M> scratch;
      const auto& decoded = decode(model, output, cache, scratch);
      if constexpr (!std::same_as<std::remove_cvref_t<decltype(decoded)>, std::vector<Index>>)
        return values(decoded);
      else if constexpr (is_packed<Output>)
        return decoded;
      else
        return Index{decoded.at(0)};
    } else {
      auto probabilities = values(output);
      to_probabilities(probabilities);
      using T = typename decltype(probabilities)::Scalar;
      if constexpr (is_packed<Output>)
        return probabilities;
      else
        return Prediction<T>{std::vector<T>(probabilities.data(), probabilities.data() + probabilities.size())};
    }
  });
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

/// The probabilities that a classifier gives one sequence, as a Prediction; from a tagger, with an output for every
/// step, a matrix (classes, T). Not for regression: see `infer`. From a model that ends in a head, what that decodes: a
/// label, a std::vector of a label for each step, or a matrix of numbers.
template <class M> auto predict(const M& model, std::span<const std::int32_t> ids) {
  if constexpr (detail::AssertTakes<M, TokenBatch>::takes) return detail::answer(model, detail::one_sequence(ids));
}
template <class M, class Derived> auto predict(const M& model, const Eigen::MatrixBase<Derived>& x) {
  using In = PackedSequence<typename Derived::Scalar>;
  if constexpr (detail::AssertTakes<M, In>::takes) return detail::answer(model, detail::one_sequence(x));
}

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
/// The probabilities for all sequences: (1, n) or (classes, n); from a tagger a matrix (1, T_i) or (classes, T_i) for
/// each. From a model that ends in a head, what that decodes: a std::vector<Index> of labels, or from a tagger one for
/// each sequence; numbers as `infer` gives them. Order and rows are those of `infer`.
template <class M, detail::HasRows D> auto predict(const M& model, const D& data, const EvaluateOptions& options = {}) {
  if constexpr (detail::assert_readable<M, D>()) {
    if constexpr (has_head<M>) {
      using Output = typename M::template Output<typename D::Batch>;
      using Decoded = std::remove_cvref_t<decltype(head_of(model).decode(std::declval<const Output&>(),
                                                                         std::declval<HeadScratch<M>&>()))>;
      constexpr bool labels = std::same_as<Decoded, std::vector<Index>>;
      detail::RowBatches batches("predict", data, options.rows, options.batch_size);
      HeadScratch<M> scratch;
      auto all = [] {
        if constexpr (!labels)
          return detail::TakenOf<Decoded>();
        else
          return std::vector<std::conditional_t<is_packed<Output>, std::vector<Index>, Index>>();
      }();
      if constexpr (labels) all.resize(static_cast<std::size_t>(batches.size()));
      detail::for_each_output(model, data, batches,
                              [&](const auto& output, auto& cache, std::span<const Index> places) {
                                const auto& decoded = detail::decode(model, output, cache, scratch);
                                if constexpr (labels)
                                  detail::take_labels(output, decoded, places, all);
                                else
                                  detail::take(decoded, places, batches.size(), all);
                              });
      return all;
    } else {
      auto probabilities = infer(model, data, options);
      if constexpr (is_matrix<decltype(probabilities)>)
        to_probabilities(probabilities);
      else
        for (auto& sequence : probabilities) to_probabilities(sequence);
      return probabilities;
    }
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
