// Attention over packed sequences: padding cannot get weight, because there is none.
#pragma once

#include <algorithm>
#include <cmath>

#include <unroll/layer/activation.hpp>
#include <unroll/layer/composite.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/functions.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
struct DotAttentionFunction {
  static constexpr std::string_view name = "dot_attention";
  bool scaled = false;
  template <class Q, class> using Output = Q;
  template <class Q, class> struct Cache {
    Q y, dq, dk;
    decltype(Q::values) weights;  // (steps of the keys, N of the queries)
    std::vector<Index> position;
  };

  template <class X> const X& forward(const X& q, const X& k, Cache<X, X>& c) const {
    using T = typename decltype(X::values)::Scalar;
    require(q.packing.batch() == k.packing.batch() && q.values.rows() == k.values.rows(), "dot_attention: queries of ",
            q.packing.batch(), " sequences and ", q.values.rows(), " features, keys of ", k.packing.batch(), " and ",
            k.values.rows());
    shape_like(c.y, q, k.values.rows());
    c.y.values.setZero();
    c.weights.resize(k.packing.steps(), q.packing.total());
    sorted_positions(k.packing, c.position);
    const T scale = factor<T>(q.values.rows());
    for_queries(q.packing, k.packing, c, [&](Index n, Index j, Index length) {
      auto w = c.weights.col(n).head(length);
      for (Index t = 0; t < length; ++t) w[t] = scale * q.values.col(n).dot(k.values.col(k.packing.offset(t) + j));
      w = (w.array() - w.maxCoeff()).exp();
      w /= w.sum();
      for (Index t = 0; t < length; ++t) c.y.values.col(n) += w[t] * k.values.col(k.packing.offset(t) + j);
    });
    return c.y;
  }
  template <class X>
  std::tuple<const X&, const X&> backward(const X& q, const X& k, const X& dy, Cache<X, X>& c) const {
    using T = typename decltype(X::values)::Scalar;
    shape_like(c.dq, q, q.values.rows());
    shape_like(c.dk, k, k.values.rows());
    c.dq.values.setZero();
    c.dk.values.setZero();
    const T scale = factor<T>(q.values.rows());
    for_queries(q.packing, k.packing, c, [&](Index n, Index j, Index length) {
      const auto w = c.weights.col(n);
      const T mean = dy.values.col(n).dot(c.y.values.col(n));
      for (Index t = 0; t < length; ++t) {
        const auto key = k.values.col(k.packing.offset(t) + j);
        const T ds = scale * w[t] * (dy.values.col(n).dot(key) - mean);
        c.dq.values.col(n) += ds * key;
        c.dk.values.col(k.packing.offset(t) + j) += ds * q.values.col(n) + w[t] * dy.values.col(n);
      }
    });
    return {c.dq, c.dk};
  }

 private:
  template <class T> T factor(Index features) const {
    return scaled ? static_cast<T>(1 / std::sqrt(static_cast<double>(features))) : T(1);
  }
  /// f(column of a query, sorted position of its sequence among the keys, its length there).
  template <class C, class F> static void for_queries(const Packing& q, const Packing& k, const C& c, const F& f) {
    for_sequences(q, [&](Index b, Index row, Index steps) {
      const Index j = c.position[static_cast<std::size_t>(row)];
      if (k.length(j) > 0)
        for (Index t = 0; t < steps; ++t) f(q.offset(t) + b, j, k.length(j));
    });
  }
};

struct SoftmaxOverTimeFunction {
  static constexpr std::string_view name = "softmax_over_time";
  template <class X> using Output = X;
  template <class X> struct Cache {
    X y, dx;
  };

  template <class X> const X& forward(const X& x, Cache<X>& c) const {
    using T = typename decltype(X::values)::Scalar;
    const Packing& p = x.packing;
    shape_like(c.y, x, x.values.rows());
    for_sequences(p, [&](Index j, Index, Index length) {
      for (Index k = 0; length > 0 && k < x.values.rows(); ++k) {
        T most = x.values(k, j), sum = 0;
        for (Index t = 1; t < length; ++t) most = (std::max)(most, x.values(k, p.offset(t) + j));
        for (Index t = 0; t < length; ++t) {
          const Index n = p.offset(t) + j;
          sum += c.y.values(k, n) = std::exp(x.values(k, n) - most);
        }
        for (Index t = 0; t < length; ++t) c.y.values(k, p.offset(t) + j) /= sum;
      }
    });
    return c.y;
  }
  template <class X> const X& backward(const X& x, const X& dy, Cache<X>& c) const {
    using T = typename decltype(X::values)::Scalar;
    const Packing& p = x.packing;
    shape_like(c.dx, x, x.values.rows());
    for_sequences(p, [&](Index j, Index, Index length) {
      for (Index k = 0; k < x.values.rows(); ++k) {
        T mean = 0;
        for (Index t = 0; t < length; ++t) mean += c.y.values(k, p.offset(t) + j) * dy.values(k, p.offset(t) + j);
        for (Index t = 0; t < length; ++t) {
          const Index n = p.offset(t) + j;
          c.dx.values(k, n) = c.y.values(k, n) * (dy.values(k, n) - mean);
        }
      }
    });
    return c.dx;
  }
};

struct SumOverTimeFunction {
  static constexpr std::string_view name = "weighted_sum";
  template <class, class V> using Output = decltype(V::values);
  template <class, class V> struct Cache {
    Output<V, V> y;
    V dw, dv;
  };

  template <class X> const Output<X, X>& forward(const X& w, const X& v, Cache<X, X>& c) const {
    require(w.packing == v.packing && w.values.rows() == 1, "weighted_sum: weights of ", w.values.rows(),
            " rows, expected 1, of the same sequences as the values");
    const Packing& p = v.packing;
    c.y.resize(v.values.rows(), p.batch());
    c.y.setZero();
    for_sequences(p, [&](Index j, Index row, Index length) {
      for (Index t = 0; t < length; ++t) c.y.col(row) += w.values(0, p.offset(t) + j) * v.values.col(p.offset(t) + j);
    });
    return c.y;
  }
  template <class X>
  std::tuple<const X&, const X&> backward(const X& w, const X& v, const Output<X, X>& dy, Cache<X, X>& c) const {
    const Packing& p = v.packing;
    shape_like(c.dw, w, 1);
    shape_like(c.dv, v, v.values.rows());
    for_sequences(p, [&](Index j, Index row, Index length) {
      for (Index t = 0; t < length; ++t) {
        const Index n = p.offset(t) + j;
        c.dw.values(0, n) = dy.col(row).dot(v.values.col(n));
        c.dv.values.col(n) = w.values(0, n) * dy.col(row);
      }
    });
    return {c.dw, c.dv};
  }
};
}  // namespace detail

/// Each query's mean of the keys of its own sequence, weighted by softmax_t(q . k_t); zeros where the sequence has no
/// key. Queries and keys (H, N) of the same batch, of lengths of their own. Luong et al. 2015, "dot". O(sum over
/// sequences of queries x keys).
template <class T>
Node<PackedSequence<T>> dot_attention(const Node<PackedSequence<T>>& queries, const Node<PackedSequence<T>>& keys) {
  return apply(detail::DotAttentionFunction{}, queries, keys);
}
/// The same with q . k_t / sqrt(H). Vaswani et al. 2017.
template <class T>
Node<PackedSequence<T>> scaled_dot_attention(const Node<PackedSequence<T>>& queries,
                                             const Node<PackedSequence<T>>& keys) {
  return apply(detail::DotAttentionFunction{true}, queries, keys);
}
/// Each row's softmax over the steps of each sequence.
template <class T> Node<PackedSequence<T>> softmax_over_time(const Node<PackedSequence<T>>& scores) {
  return apply(detail::SoftmaxOverTimeFunction{}, scores);
}
/// One vector a sequence, (D, B): the sum over its steps of its weight (1, N) times its values (D, N); zeros for an
/// empty one.
template <class T>
Node<Matrix<T>> weighted_sum(const Node<PackedSequence<T>>& weights, const Node<PackedSequence<T>>& values) {
  return apply(detail::SumOverTimeFunction{}, weights, values);
}

/// What of a sequence (D, N) matters, as one vector (D, B): weights softmax_t(v . tanh(W h_t + b)). Yang et al. 2016
/// (hierarchical attention), without the context of a decoder.
template <class T = float> struct AttentionPool : Composite<AttentionPool<T>, T> {
  Dense<T> hidden, score;
  Tanh<T> tanh;
  UNROLL_PARTS(hidden, score, tanh)

  AttentionPool(Index inputs, Index units) : hidden(inputs, units), score(units, 1, {.bias = false}) {}

  /// How much each step counts, (1, N).
  auto weights(Wiring& run, Node<PackedSequence<T>> h) const {
    return softmax_over_time(run(score, run(tanh, run(hidden, h))));
  }
  auto operator()(Wiring& run, Node<PackedSequence<T>> h) const { return weighted_sum(weights(run, h), h); }
};
AttentionPool(Index, Index) -> AttentionPool<>;

}  // namespace unroll::inline UNROLL_ABI
