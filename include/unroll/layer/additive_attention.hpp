// Additive attention, of a whole batch of queries or inside the step of a cell.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <tuple>
#include <vector>

#include <unroll/core/denormals.hpp>
#include <unroll/layer/additive_memory.hpp>
#include <unroll/layer/attention_record.hpp>
#include <unroll/layer/step_of.hpp>

namespace unroll::inline UNROLL_ABI {

/// A mean of a sequence m (M, steps), as a query q (Q) asks for it. Bahdanau et al. 2015; Keras's AdditiveAttention
/// with its two Dense layers:
///   e_s = v . tanh(W_q q + W_k m_s + b)       w = softmax_s(e)       y = sum_s w_s m_s
/// A layer of two inputs, queries and memory, sequences of one batch and of lengths of their own: `run(attend, q, m)`;
/// and a part of a CompositeCell: `run(attend, run.previous(gru), memory)`. W_k m + b is made once for all steps. What
/// is tanh'd is made again on the way back: O(A) a query and step of the memory, twice, but no memory for it; w is
/// kept, (steps of the longest memory, N). Zeros where the memory has no step.
template <class T = float> class AdditiveAttention {
 public:
  using Scalar = T;
  using State = Nothing;
  template <Sequences<T> In, std::same_as<In>> using Output = In;

  template <class In, class> struct Cache {
    In y, dx, d_memory;
    Matrix<T> keys, d_keys;                 // (A, steps of the memory): W_k m + b
    Matrix<T> queries, d_queries, d_score;  // (A, N): W_q q; of d_score the part that a query has in it
    Matrix<T> weights;                      // (steps of the longest memory, N): w, 0 behind a sequence's end
    std::vector<Index> place;               // the user's rows in the memory
    MatmulScratch<T> product;
    const In& output() const { return y; }
  };

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

  template <Sequences<T> In>
  const In& forward(const Context& context, const In& q, const In& m, Cache<In, In>& c, Carry<State> = {}) const {
    check(q, m);
    const FlushDenormals flush(context.training);
    c.keys.resize(units(), m.packing.total());
    c.queries.resize(units(), q.packing.total());
    c.weights = Matrix<T>::Zero(m.packing.steps(), q.packing.total());
    shape_like(c.y, q, m.values.rows());
    matmul(c.keys, weight_key, Transpose::no, m.values, Transpose::no, Accumulate::no, c.product, Blocks::ascending,
           bias.data());
    matmul(c.queries, weight_query, Transpose::no, q.values, Transpose::no, Accumulate::no, c.product);
    detail::sorted_positions(m.packing, c.place);
    const detail::AdditiveMemory<T> memory{m, c.keys, score.data()};
    for_queries(q.packing, c.place, [&](Index n, Index j) {
      memory.look(j, column(c.queries, n), column(c.weights, n), column(c.y.values, n));
    });
    if (context.attention != nullptr) context.attention->add(c.weights, q.packing, m.packing);
    return c.y;
  }
  template <Sequences<T> In>
  std::tuple<const In&, const In&> backward(const In& q, const In& m, const In& dy, Cache<In, In>& c,
                                            AdditiveAttention& gradient, Carry<State> = {}) const {
    detail::require_forward("AdditiveAttention", q, c.y);
    require(c.keys.cols() == m.packing.total() && c.weights.rows() == m.packing.steps(),
            "AdditiveAttention: backward without a forward pass of the same memory before it");
    detail::require_gradient("AdditiveAttention", dy, c.y);
    check_gradient_shapes("AdditiveAttention", *this, gradient);
    const FlushDenormals flush;
    for (Matrix<T>* of : {&c.d_queries, &c.d_score}) of->resize(units(), q.packing.total());
    c.d_keys = Matrix<T>::Zero(units(), m.packing.total());
    shape_like(c.d_memory, m, m.values.rows());
    c.d_memory.values.setZero();
    const detail::AdditiveMemory<T> memory{m, c.keys, score.data()};
    for_queries(q.packing, c.place, [&](Index n, Index j) {
      memory.look_backward(j, column(c.queries, n), column(c.weights, n), column(c.y.values, n), column(dy.values, n),
                           column(c.d_queries, n), column(c.d_score, n), c.d_keys, c.d_memory.values);
    });
    const auto add_product = [&](Matrix<T>& to, const Matrix<T>& d, const Matrix<T>& x) {
      matmul(to, d, Transpose::no, x, Transpose::yes, Accumulate::yes, c.product);
    };
    if (weight_query.trainable) add_product(gradient.weight_query, c.d_queries, q.values);
    if (weight_key.trainable) add_product(gradient.weight_key, c.d_keys, m.values);
    if (bias.trainable) add_row_sums(c.d_keys, gradient.bias.data());
    if (score.trainable) add_row_sums(c.d_score, gradient.score.data());
    shape_like(c.dx, q, q.values.rows());
    matmul(c.dx.values, weight_query, Transpose::yes, c.d_queries, Transpose::no, Accumulate::no, c.product);
    matmul(c.d_memory.values, weight_key, Transpose::yes, c.d_keys, Transpose::no, Accumulate::yes, c.product);
    return {c.dx, c.d_memory};
  }
  /// w (steps of the longest memory, N), 0 behind a sequence's end. To look at: it is computed anew.
  Matrix<T> weights(const PackedSequence<T>& q, const PackedSequence<T>& m) const {
    Cache<PackedSequence<T>, PackedSequence<T>> c;
    forward({.training = false, .gradients = false}, q, m, c);
    return std::move(c.weights);
  }
  void check_rows(Index query, Index remembered) const {
    require(query == weight_query.cols() && remembered == weight_key.cols(), "AdditiveAttention: a query of ", query,
            " rows and a memory of ", remembered, ", expected ", weight_query.cols(), " and ", weight_key.cols());
  }

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

 private:
  void check(const PackedSequence<T>& q, const PackedSequence<T>& m) const {
    check_batch("AdditiveAttention", q);
    check_batch("AdditiveAttention", m);
    check_rows(q.values.rows(), m.values.rows());
    require(q.packing.batch() == m.packing.batch(), "AdditiveAttention: queries of ", q.packing.batch(),
            " sequences, a memory of ", m.packing.batch());
  }
  template <class M> static auto column(M& of, Index n) { return of.data() + n * of.rows(); }
  /// f(column of a query, place of its sequence in the memory). Threads take whole sequences, the longest first.
  template <class F> static void for_queries(const Packing& q, const std::vector<Index>& place, const F& f) {
    const Index pieces = std::clamp<Index>(q.batch(), 1, inside_parallel() ? 1 : threads());
    parallel_for(static_cast<int>(pieces), [&](int piece) {
      const FlushDenormals flush;
      for (Index b = piece; b < q.batch(); b += pieces)
        for (Index t = 0; t < q.length(b); ++t) f(q.offset(t) + b, place[static_cast<std::size_t>(q.row(b))]);
    });
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
  bool same_weights = false;

  Index rows(const Part& part, Index query, Index remembered) const {
    part.check_rows(query, remembered);
    return remembered;
  }
  void prepare(const Part& part, Memory& of, Index columns, bool keep) {
    memory = &of;
    const PackedSequence<T>& m = *of.sequences;
    const Index A = part.units();
    if (!same_weights) weight.pack(view(part.weight_query), Transpose::no);
    if (keep) transposed.pack(view(part.weight_query), Transpose::yes);
    if (!same_weights || !of.is_same || keys.rows() != A || keys.cols() != m.packing.total()) {
      keys.resize(A, m.packing.total());
      matmul(keys, part.weight_key, Transpose::no, m.values, Transpose::no, Accumulate::no, product, Blocks::ascending,
             part.bias.data());
    }
    queries.resize(A, columns);
    weights.resize(m.packing.steps(), columns);
    d_queries.resize(keep ? A : 0, columns);
    d_score.resize(keep ? A : 0, columns);
  }

  void forward(const Part& part, const StepColumns<T>& q, StepColumns<T> y, const Step& at, StepScratch<T>& scratch) {
    const PackedSequence<T>& m = *memory->sequences;
    matmul(queries.middleCols(at.at, at.n), weight, q, Transpose::no, Accumulate::no, scratch.product);
    const detail::AdditiveMemory<T> of{m, keys, part.score.data()};
    for_columns(at, [&](Index n, Index j) {
      of.look(j, &queries(0, at.at + n), weights.data() + (at.at + n) * weights.rows(), &y(0, n));
    });
  }
  void backward(const Part& part, const StepColumns<T>& y, const StepColumns<T>& dy, StepColumns<T> dq, Accumulate add,
                const Step& at, StepScratch<T>& scratch) {
    const PackedSequence<T>& m = *memory->sequences;
    const detail::AdditiveMemory<T> of{m, keys, part.score.data()};
    for_columns(at, [&](Index n, Index j) {
      of.look_backward(j, &queries(0, at.at + n), weights.data() + (at.at + n) * weights.rows(), &y(0, n), &dy(0, n),
                       &d_queries(0, at.at + n), &d_score(0, at.at + n), d_keys, memory->d.values);
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
  /// f(column of the step, place of its sequence in the memory).
  template <class F> void for_columns(const Step& at, const F& f) const {
    for (Index n = 0; n < at.n; ++n) f(n, memory->place[static_cast<std::size_t>(at.column + n)]);
  }
};

}  // namespace unroll::inline UNROLL_ABI
