// A trained model's answers: probabilities, or what its head decides.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/loss/label_sequences.hpp>
#include <unroll/train/infer.hpp>

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
/// What the head of a model decodes, in its scratch.
template <class M, class Output, class Cache>
const auto& decode(const M& model, const Output& output, Cache& cache, HeadScratch<M>& scratch) {
  check_head_is_last(model, cache, output);
  const auto& head = head_of(model);
  if constexpr (requires { head.share(model, static_cast<M*>(nullptr), scratch); })
    head.share(model, static_cast<M*>(nullptr), scratch);
  return head.decode(output, scratch);
}
/// One label for each column of a Matrix, or of a PackedSequence.
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
/// As many labels for each sequence as there are.
template <class T>
void take_labels(const PackedSequence<T>&, const LabelSequences& labels, std::span<const Index> places,
                 std::vector<std::vector<Index>>& out) {
  for (std::size_t b = 0; b < places.size(); ++b) {
    const std::span<const Index> of = labels[static_cast<Index>(b)];
    out[static_cast<std::size_t>(places[b])].assign(of.begin(), of.end());
  }
}
template <class Decoded>
inline constexpr bool are_labels = std::same_as<Decoded, std::vector<Index>> || std::same_as<Decoded, LabelSequences>;
/// An answer to one sequence: what the head decodes, or probabilities.
template <class M, class In> auto answer(const M& model, const In& x) {
  using Output = typename M::template Output<In>;
  return with_output(model, x, [&](const auto& output, auto& cache) {
    if constexpr (has_head<M>) {
      HeadScratch<M> scratch;
      const auto& decoded = decode(model, output, cache, scratch);
      using Decoded = std::remove_cvref_t<decltype(decoded)>;
      if constexpr (std::same_as<Decoded, LabelSequences>)
        return std::vector<Index>(decoded[0].begin(), decoded[0].end());
      else if constexpr (!are_labels<Decoded>)
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
}  // namespace detail

/// The probabilities that a classifier gives one sequence, as a Prediction; from a tagger, with an output for every
/// step, a matrix (classes, T). Not for regression: see `infer`. From a model that ends in a head, what that decodes: a
/// label, a std::vector of labels, one for each step or (Ctc) as many as there are, or a matrix of numbers.
template <class M> auto predict(const M& model, std::span<const std::int32_t> ids) {
  if constexpr (detail::AssertTakes<M, TokenBatch>::takes) return detail::answer(model, pack(ids));
}
template <class M, class Derived> auto predict(const M& model, const Eigen::MatrixBase<Derived>& x) {
  using In = PackedSequence<typename Derived::Scalar>;
  if constexpr (detail::AssertTakes<M, In>::takes) return detail::answer(model, pack(x));
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
      constexpr bool labels = detail::are_labels<Decoded>;
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

#define UNROLL_PREDICT_INSTANCES(DECLARE, T) DECLARE void to_probabilities(Matrix<T>&);
#if !UNROLL_HEADER_ONLY
UNROLL_PREDICT_INSTANCES(extern template, float)
UNROLL_PREDICT_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI
