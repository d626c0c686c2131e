// Attention inside the step of a cell, over sequences that do not change while it runs.
#pragma once

#include <algorithm>
#include <cmath>

#include <unroll/layer/step_of.hpp>

namespace unroll::inline UNROLL_ABI {

/// A mean of a sequence m (M, steps), as a query q (Q) asks for it. Bahdanau et al. 2015; Keras's AdditiveAttention
/// with its two Dense layers:
///   e_s = v . tanh(W_q q + W_k m_s + b)       w = softmax_s(e)       y = sum_s w_s m_s
/// A part of a CompositeCell: `run(attend, run.previous(gru), memory)`. W_k m + b is made once for all steps. What is
/// tanh'd is made again on the way back: O(A) a query and step of the memory, twice, but no memory for it. Zeros where
/// the memory has no step.
template <class T = float> class AdditiveAttention {
 public:
  using Scalar = T;

  Parameter<T> weight_query;  ///< W_q (A, Q)
  Parameter<T> weight_key;    ///< W_k (A, M)
  Parameter<T> bias;          ///< b (A)
  Parameter<T> score;         ///< v (A)

  /// Q of the queries, M of the memory, A units.
  AdditiveAttention(Index queries, Index memory, Index units) {
    detail::require_size("AdditiveAttention", queries, "rows of queries", 1);
    detail::require_size("AdditiveAttention", memory, "rows of the memory", 1);
    detail::require_size("AdditiveAttention", units, "units", 1);
    weight_query = Matrix<T>::Zero(units, queries);
    weight_key = Matrix<T>::Zero(units, memory);
    bias = Matrix<T>::Zero(units, 1);
    score = Matrix<T>::Zero(units, 1);
  }
  Index units() const { return score.rows(); }

  void initialize(Rng rng, const Scheme& scheme) {
    const auto fan_of = [](const Matrix<T>& w) {
      return Fan{w.cols(), w.rows(), 1 / std::sqrt(static_cast<double>(w.cols()))};
    };
    fill(weight_query, scheme.dense, fan_of(weight_query), rng.child(0));
    fill(weight_key, scheme.dense, fan_of(weight_key), rng.child(1));
    fill(bias, scheme.bias, fan_of(weight_key), rng.child(2));
    fill(score, scheme.dense, Fan{units(), 1, 1 / std::sqrt(static_cast<double>(units()))}, rng.child(3));
  }
  std::string describe() const {
    return concat_text("AdditiveAttention ", weight_query.cols(), " over ", weight_key.cols(), ", ", units(), " units");
  }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("weight_query", Kind::weight), self.weight_query...);
    f(at.leaf("weight_key", Kind::weight), self.weight_key...);
    f(at.leaf("bias", Kind::bias), self.bias...);
    f(at.leaf("score", Kind::weight), self.score...);
  }
};
AdditiveAttention(Index, Index, Index) -> AdditiveAttention<>;

template <class T> struct StepOf<AdditiveAttention<T>> {
  static constexpr bool reads_again = true;
  using Part = AdditiveAttention<T>;
  using Memory = detail::StepMemoryData<T>;

  PackedMatrix<T> weight, transposed;
  Matrix<T> keys, d_keys;                 ///< (A, steps of the memory): W_k m + b
  Matrix<T> queries, d_queries, d_score;  ///< (A, columns): W_q q; of d_score the part that a column has in it
  Matrix<T> weights;                      ///< (steps of the longest memory, columns)
  MatmulScratch<T> product;
  Memory* memory = nullptr;

  Index rows(const Part& part, Index query, Index remembered) const {
    require(query == part.weight_query.cols() && remembered == part.weight_key.cols(), "AdditiveAttention: a query of ",
            query, " rows and a memory of ", remembered, ", expected ", part.weight_query.cols(), " and ",
            part.weight_key.cols());
    return remembered;
  }
  void prepare(const Part& part, Memory& of, Index columns, bool keep) {
    memory = &of;
    const PackedSequence<T>& m = *of.sequences;
    const Index A = part.units();
    weight.pack(view(part.weight_query), Transpose::no);
    if (keep) transposed.pack(view(part.weight_query), Transpose::yes);
    keys.resize(A, m.packing.total());
    matmul(keys, part.weight_key, Transpose::no, m.values, Transpose::no, Accumulate::no, product, Blocks::ascending,
           part.bias.data());
    queries.resize(A, columns);
    weights.resize(m.packing.steps(), columns);
    d_queries.resize(keep ? A : 0, columns);
    d_score.resize(keep ? A : 0, columns);
  }

  void forward(const Part& part, const StepColumns<T>& q, StepColumns<T> y, const Step& at, StepScratch<T>& scratch) {
    const PackedSequence<T>& m = *memory->sequences;
    matmul(queries.middleCols(at.at, at.n), weight, q, Transpose::no, Accumulate::no, scratch.product);
    for_columns(at, [&](Index n, Index j, Index length) {
      y.col(n).setZero();
      if (length == 0) return;
      auto w = weights.col(at.at + n).head(length);
      w.noalias() = hidden_of(m.packing, at.at + n, j, length, scratch).transpose() * part.score.col(0);
      w = (w.array() - w.maxCoeff()).exp();
      w /= w.sum();
      for (Index s = 0; s < length; ++s) axpy(m.values.rows(), w[s], column(m.values, m.packing, s, j), &y(0, n));
    });
  }
  void backward(const Part& part, const StepColumns<T>& y, const StepColumns<T>& dy, StepColumns<T> dq, Accumulate add,
                const Step& at, StepScratch<T>& scratch) {
    const PackedSequence<T>& m = *memory->sequences;
    for_columns(at, [&](Index n, Index j, Index length) {
      auto d_query = d_queries.col(at.at + n), of_score = d_score.col(at.at + n);
      d_query.setZero(), of_score.setZero();
      if (length == 0) return;
      const auto w = weights.col(at.at + n);
      const auto hidden = hidden_of(m.packing, at.at + n, j, length, scratch);
      const T mean = dy.col(n).dot(y.col(n));
      for (Index s = 0; s < length; ++s) {
        const T de = w[s] * (dy.col(n).dot(m.values.col(m.packing.offset(s) + j)) - mean);
        const auto back = [de](const auto& u, const auto& v, auto& d_key, auto& d_q, auto& d_v) {
          using V = std::remove_cvref_t<decltype(u)>;
          const V d = V(de) * v * (V(T(1)) - u * u);
          d_key += d;
          d_q += d;
          d_v += V(de) * u;
        };
        for_each_element(part.units(), back, std::as_const(hidden).col(s).data(), part.score.data(),
                         column(d_keys, m.packing, s, j), d_query.data(), of_score.data());
        axpy(m.values.rows(), w[s], dy.col(n).data(), column(memory->d.values, m.packing, s, j));
      }
    });
    matmul(dq, transposed, d_queries.middleCols(at.at, at.n), Transpose::no, add, scratch.product);
  }
  void accumulate(const Part& part, const StepColumns<T>& q, const StepColumns<T>&, const Columns& columns,
                  Part& gradient, Blocks order) {
    if (part.weight_query.trainable)
      matmul(gradient.weight_query, d_queries.middleCols(columns.first, columns.n), Transpose::no, q, Transpose::yes,
             Accumulate::yes, product, order);
    if (part.score.trainable) add_row_sums(d_score.middleCols(columns.first, columns.n), gradient.score.data(), order);
  }
  void begin_backward() {
    d_keys.resize(keys.rows(), keys.cols());
    d_keys.setZero();
  }
  void finish(const Part& part, Part& gradient) {
    if (part.weight_key.trainable)
      matmul(gradient.weight_key, d_keys, Transpose::no, memory->sequences->values, Transpose::yes, Accumulate::yes,
             product);
    if (part.bias.trainable) add_row_sums(d_keys, gradient.bias.data());
    matmul(memory->d.values, part.weight_key, Transpose::yes, d_keys, Transpose::no, Accumulate::yes, product);
  }

 private:
  /// f(column of the step, place of its sequence in the memory, its length there).
  template <class F> void for_columns(const Step& at, const F& f) const {
    for (Index n = 0; n < at.n; ++n) {
      const Index j = memory->place[static_cast<std::size_t>(at.column + n)];
      f(n, j, memory->sequences->packing.length(j));
    }
  }
  template <class M> static auto column(M& m, const Packing& p, Index s, Index j) {
    return m.data() + (p.offset(s) + j) * m.rows();
  }
  /// tanh(W_q q + W_k m_s + b) of a query, (A, length).
  StepColumns<T> hidden_of(const Packing& p, Index query, Index j, Index length, StepScratch<T>& scratch) const {
    Matrix<T>& hidden = scratch.values;
    hidden.resize(keys.rows(), p.steps());
    const auto sum = [](const auto& q, const auto& k, auto& h) { h = tanh(q + k); };
    for (Index s = 0; s < length; ++s)
      for_each_element(keys.rows(), sum, queries.col(query).data(), column(keys, p, s, j), hidden.col(s).data());
    return hidden.middleCols(0, length);
  }
};

}  // namespace unroll::inline UNROLL_ABI
