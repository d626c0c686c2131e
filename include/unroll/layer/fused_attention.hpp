// Dot-product attention over packed sequences without the scores of all pairs of steps: those of one sequence, one head
// and a block of queries at a time.
#pragma once

#include <algorithm>
#include <vector>

#include <unroll/core/context.hpp>
#include <unroll/core/packed_sequence.hpp>
#include <unroll/kernel/product.hpp>
#include <unroll/layer/options.hpp>

namespace unroll::inline UNROLL_ABI {

struct AttentionOptions {
  Index heads = 1;      ///< the features of queries, keys and values are cut into so many, each attended alone
  Index window = -1;    ///< a query at t sees the keys at t - window .. t + window; below 0: all
  bool causal = false;  ///< .. and none later than t
  double scale = 1;     ///< of the scores
  double dropout = 0;   ///< share of the weights that are 0 in training, the others divided by 1 - dropout
  UNROLL_OPTIONS(heads, window, causal, scale, dropout)
};

namespace detail {

/// y_t = sum_s w_ts v_s, w_t = softmax_s(scale q_t . k_s), head by head; zeros where a query sees no key. Queries
/// (heads A, N), keys (heads A, M) and values (heads C, M) of one batch, of lengths of their own. Belongs to a cache.
///
/// The columns of a sequence, which are far apart, are copied side by side; scores are of one head and 64 queries of it
/// at a time. Forward keeps the logarithm of the sum of each softmax, (heads, N), and backward makes the scores
/// again, and draws again what was left out: memory does not grow with the square of the lengths. Threads take
/// sequences, or heads of few: the same bits for any number.
template <class T> class FusedAttention {
 public:
  using Sequences = PackedSequence<T>;

  UNROLL_API void forward(const Sequences& q, const Sequences& k, const Sequences& v, const AttentionOptions& how,
                          const Context& context, Matrix<T>& y);
  /// After `forward` of the same. Where the values are the keys, the same object, dk has both gradients, and dv is
  /// left.
  UNROLL_API void backward(const Sequences& q, const Sequences& k, const Sequences& v, const Sequences& dy,
                           const AttentionOptions& how, const Context& context, Matrix<T>& dq, Matrix<T>& dk,
                           Matrix<T>& dv);
  /// w of a head, (steps of the longest keys, N), or with head < 0 the mean over the heads; 0 where there is no key.
  UNROLL_API Matrix<T> weights(const Sequences& q, const Sequences& k, const AttentionOptions& how, Index head);

 private:
  static constexpr Index queries_at_once = 64;

  /// Of a thread: the columns of a sequence side by side, and the scores of a block of queries.
  struct Room {
    Matrix<T> q, k, v, y, dq, dk, dv;
    Matrix<T> w, dw, mask;                   // (keys, queries_at_once)
    Matrix<T> largest, sum, sum_of_x, zero;  // (queries_at_once)
    ProductScratch<T> product;
  };
  struct Range {
    Index first, last;
    Index size() const { return (std::max)(last - first, Index{0}); }
  };
  /// A sequence, by the user's row and by its places among the queries and the keys, and heads of it.
  struct Task {
    Range heads;
    Index row, at_q, at_k, queries, keys;
  };
  /// The scores of some queries of a task, from `first` on, w (keys.size(), queries).
  struct Block {
    View<T> w;
    Index first, of_keys;
    Range keys;
  };

  static bool is_masked(const AttentionOptions& how) { return how.window >= 0 || how.causal; }
  static bool drops(const AttentionOptions& how, const Context& context) { return context.training && how.dropout > 0; }
  static Range seen(const AttentionOptions& how, Index t, Index keys) {
    const Index w = how.window < 0 ? t + keys : (std::min)(how.window, t + keys);
    return {std::clamp(t - w, Index{0}, keys), (std::min)(how.causal ? t + 1 : t + w + 1, keys)};
  }
  static View<T> columns(Matrix<T>& of, Index rows, Index n) { return {of.data(), rows, n, rows}; }

  static void check(const Sequences& q, const Sequences& k, const Sequences& v, const AttentionOptions& how);
  void reserve(const Sequences& q, const Sequences& k, const Sequences& v, const AttentionOptions& how, bool dropout,
               bool backward);
  template <class F> void for_tasks(const Packing& q, const Packing& k, Index heads, Index work_of_pair, const F& f);
  static View<T> gather(const Sequences& from, Range heads, Index rows_of_head, Index j, Index n, Matrix<T>& to);
  static void scatter(View<const T> from, const Packing& p, Range heads, Index j, Matrix<T>& to);
  static Block scores(const AttentionOptions& how, View<const T> q, View<const T> k, Index first, Room& room);
  template <class F> static void for_seen(const AttentionOptions& how, const Block& block, const F& f);
  static void softmax(const AttentionOptions& how, const Block& block, Room& room);
  static View<T> draw(const AttentionOptions& how, const DropoutMask& mask, Index sequence, const Block& block,
                      Room& room);

  std::vector<Room> rooms_;
  std::vector<Index> of_row_;  // places among the keys
  Matrix<T> log_sums_;         // (heads, N)
};

#define UNROLL_FUSED_ATTENTION_INSTANCES(DECLARE, T)                                                               \
  DECLARE void FusedAttention<T>::forward(const Sequences&, const Sequences&, const Sequences&,                    \
                                          const AttentionOptions&, const Context&, Matrix<T>&);                    \
  DECLARE void FusedAttention<T>::backward(const Sequences&, const Sequences&, const Sequences&, const Sequences&, \
                                           const AttentionOptions&, const Context&, Matrix<T>&, Matrix<T>&,        \
                                           Matrix<T>&);                                                            \
  DECLARE Matrix<T> FusedAttention<T>::weights(const Sequences&, const Sequences&, const AttentionOptions&, Index);
#if !UNROLL_HEADER_ONLY
UNROLL_FUSED_ATTENTION_INSTANCES(extern template, float)
UNROLL_FUSED_ATTENTION_INSTANCES(extern template, double)
#endif

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/layer/fused_attention.ipp>
#endif
