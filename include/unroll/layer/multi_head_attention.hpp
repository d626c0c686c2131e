// Attention with projections of what is asked, of what is looked through and of what is found.
#pragma once

#include <unroll/layer/attention.hpp>

namespace unroll::inline UNROLL_ABI {

struct MultiHeadOptions {
  bool bias = true;     ///< of all four projections
  Index values = 0;     ///< features of the values; 0: as the keys
  Index outputs = 0;    ///< features of what comes out; 0: as the queries
  Index window = -1;    ///< as in AttentionOptions
  bool causal = false;  ///< ..
  double dropout = 0;   ///< ..
};

/// Queries (Q, N), keys (K, M) and values (V, M) of one batch give (O, N):
///   y = W_o a + b_o,   a = scaled_dot_attention(W_q q + b_q, W_k k + b_k, W_v v + b_v), head by head
/// Vaswani et al. 2017; nn.MultiheadAttention, where Q, O and the units are one number: its in_proj_weight is the
/// weights of query, key and value, one below the other, its key_padding_mask the packing. `run(attend, q, k)`: the
/// values are the keys; `run(attend, x, x)`: a sequence attends to itself.
template <class T = float> struct MultiHeadAttention : Composite<MultiHeadAttention<T>, T> {
  AttentionOptions options;
  Dense<T> query, key, value, output;
  UNROLL_PARTS(options, query, key, value, output)

  /// Q and K features, units of all heads together.
  MultiHeadAttention(Index queries, Index keys, Index units, Index heads, const MultiHeadOptions& how = {})
      : options{.heads = heads, .window = how.window, .causal = how.causal, .dropout = how.dropout},
        query(queries, units, {how.bias}),
        key(keys, units, {how.bias}),
        value(how.values == 0 ? keys : how.values, units, {how.bias}),
        output(units, how.outputs == 0 ? queries : how.outputs, {how.bias}) {
    require(heads >= 1 && units % heads == 0, "MultiHeadAttention: ", heads, " heads, expected a divisor of the ",
            units, " units");
  }

  auto operator()(Wiring& run, Node<PackedSequence<T>> q, Node<PackedSequence<T>> k, Node<PackedSequence<T>> v) const {
    const auto asked = run(query, q), offered = run(key, k), given = run(value, v);
    return run(output, scaled_dot_attention(asked, offered, given, options));
  }
  auto operator()(Wiring& run, Node<PackedSequence<T>> q, Node<PackedSequence<T>> k) const {
    return (*this)(run, q, k, k);
  }

  /// How much each query looks at each key, in one head or, with head = -1, on average: (steps of the longest keys, N),
  /// 0 behind a sequence's end. To look at: it is computed anew.
  Matrix<T> weights(const PackedSequence<T>& q, const PackedSequence<T>& k, Index head = -1) const {
    CacheFor<Dense<T>, PackedSequence<T>> of_q, of_k;
    const Context looking{.training = false, .gradients = false};
    return scaled_dot_attention_weights(query.forward(looking, q, of_q), key.forward(looking, k, of_k), options, head);
  }
};
MultiHeadAttention(Index, Index, Index, Index) -> MultiHeadAttention<>;
MultiHeadAttention(Index, Index, Index, Index, MultiHeadOptions) -> MultiHeadAttention<>;

}  // namespace unroll::inline UNROLL_ABI
