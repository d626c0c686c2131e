// Attention over packed sequences: padding cannot get weight, because there is none.
#pragma once

#include <algorithm>
#include <cmath>

#include <unroll/layer/activation.hpp>
#include <unroll/layer/attention_record.hpp>
#include <unroll/layer/composite.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/functions.hpp>
#include <unroll/layer/fused_attention.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
struct DotAttentionFunction {
  static constexpr std::string_view name = "dot_attention";
  AttentionOptions how{};
  Context context{};  ///< what is left out is drawn by it, who wants to see the weights stands in it
  template <class Q, class...> using Output = Q;
  template <class Q, class...> struct Cache {
    Q y, dq, dk, dv;
    FusedAttention<typename decltype(Q::values)::Scalar> fused;
  };

  template <class X> const X& forward(const X& q, const X& k, Cache<X, X>& c) const { return attend(q, k, k, c); }
  template <class X> const X& forward(const X& q, const X& k, const X& v, Cache<X, X, X>& c) const {
    return attend(q, k, v, c);
  }
  template <class X>
  std::tuple<const X&, const X&> backward(const X& q, const X& k, const X& dy, Cache<X, X>& c) const {
    c.dq.packing = q.packing, c.dk.packing = k.packing;
    c.fused.backward(q, k, k, dy, how, context, c.dq.values, c.dk.values, c.dv.values);
    return {c.dq, c.dk};
  }
  template <class X>
  std::tuple<const X&, const X&, const X&> backward(const X& q, const X& k, const X& v, const X& dy,
                                                    Cache<X, X, X>& c) const {
    c.dq.packing = q.packing, c.dk.packing = k.packing, c.dv.packing = v.packing;
    c.fused.backward(q, k, v, dy, how, context, c.dq.values, c.dk.values, c.dv.values);
    return {c.dq, c.dk, c.dv};
  }

 private:
  template <class X, class C> const X& attend(const X& q, const X& k, const X& v, C& c) const {
    c.y.packing = q.packing;
    c.fused.forward(q, k, v, how, context, c.y.values);
    if (context.attention != nullptr) context.attention->add(c.fused.weights(q, k, how, -1), q.packing, k.packing);
    return c.y;
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
inline DotAttentionFunction dot_attention_function(Tape& tape, const AttentionOptions& how) {
  return {how, how.dropout > 0 ? tape.context_of_function() : tape.context()};
}
/// With the scores divided by the root of a head's features.
template <class T> AttentionOptions scaled(AttentionOptions how, const PackedSequence<T>& queries) {
  how.scale *= std::sqrt(static_cast<double>(how.heads) / static_cast<double>(queries.values.rows()));
  return how;
}
}  // namespace detail

/// Each query's mean of the values, or else of the keys, of its own sequence, weighted by softmax_t(scale q . k_t);
/// zeros where the sequence has no key, or none that the query sees. Queries (H, N), keys (H, M) and values (V, M) of
/// one batch, those of lengths of their own; V features for each query. Luong et al. 2015, "dot", and with a window
/// "local-m". O(sum over sequences of queries x keys), in memory O(N + M); with a dropout each weight costs two random
/// numbers.
template <class T>
Node<PackedSequence<T>> dot_attention(const Node<PackedSequence<T>>& queries, const Node<PackedSequence<T>>& keys,
                                      const AttentionOptions& how = {}) {
  return apply(detail::dot_attention_function(*queries.tape, how), queries, keys);
}
template <class T>
Node<PackedSequence<T>> dot_attention(const Node<PackedSequence<T>>& queries, const Node<PackedSequence<T>>& keys,
                                      const Node<PackedSequence<T>>& values, const AttentionOptions& how = {}) {
  if (keys.value == values.value) return dot_attention(queries, keys, how);
  return apply(detail::dot_attention_function(*queries.tape, how), queries, keys, values);
}
/// The same with the scores divided by the root of a head's features. Vaswani et al. 2017; PyTorch's
/// scaled_dot_product_attention.
template <class T>
Node<PackedSequence<T>> scaled_dot_attention(const Node<PackedSequence<T>>& queries,
                                             const Node<PackedSequence<T>>& keys, const Node<PackedSequence<T>>& values,
                                             const AttentionOptions& how = {}) {
  return dot_attention(queries, keys, values, detail::scaled(how, *queries));
}
template <class T>
Node<PackedSequence<T>> scaled_dot_attention(const Node<PackedSequence<T>>& queries,
                                             const Node<PackedSequence<T>>& keys, const AttentionOptions& how = {}) {
  return dot_attention(queries, keys, detail::scaled(how, *queries));
}
/// The weights of one head, or with head = -1 their mean over the heads: (steps of the longest keys, N of the queries),
/// 0 for what a query does not see. To look at: it is computed anew, and has no gradient.
template <class T>
Matrix<T> dot_attention_weights(const PackedSequence<T>& queries, const PackedSequence<T>& keys,
                                const AttentionOptions& how = {}, Index head = -1) {
  return detail::FusedAttention<T>().weights(queries, keys, how, head);
}
template <class T>
Matrix<T> scaled_dot_attention_weights(const PackedSequence<T>& queries, const PackedSequence<T>& keys,
                                       const AttentionOptions& how = {}, Index head = -1) {
  return dot_attention_weights(queries, keys, detail::scaled(how, queries), head);
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

/// dot_attention whose scores are q^T W k: queries (Q, N) and keys (K, M) need not be of one space. Luong et al. 2015,
/// "general".
template <class T = float> struct GeneralAttention : Composite<GeneralAttention<T>, T> {
  AttentionOptions options;
  Dense<T> project;  ///< W (Q, K)
  UNROLL_PARTS(options, project)

  GeneralAttention(Index queries, Index keys, const AttentionOptions& how = {})
      : options(how), project(keys, queries, {.bias = false}) {}

  auto operator()(Wiring& run, Node<PackedSequence<T>> q, Node<PackedSequence<T>> k) const {
    return dot_attention(q, run(project, k), k, options);
  }
};
GeneralAttention(Index, Index) -> GeneralAttention<>;
GeneralAttention(Index, Index, AttentionOptions) -> GeneralAttention<>;

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
