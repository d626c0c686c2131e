// Bodies of layer/fused_attention.hpp: scores, weights and gradients.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <unroll/kernel/elementwise.hpp>
#include <unroll/kernel/softmax.hpp>
#include <unroll/layer/fused_attention.hpp>
#include <unroll/layer/fused_attention_tasks.ipp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// The n columns of a sequence, j-th in its packing, side by side; of the rows those of some heads.
template <class T>
View<T> FusedAttention<T>::gather(const Sequences& from, Range heads, Index rows_of_head, Index j, Index n,
                                  Matrix<T>& to) {
  const Index rows = heads.size() * rows_of_head, all = from.values.rows();
  const T* const first = from.values.data() + heads.first * rows_of_head;
  for (Index t = 0; t < n; ++t) std::copy_n(first + (from.packing.offset(t) + j) * all, rows, to.data() + t * rows);
  return columns(to, rows, n);
}
template <class T>
void FusedAttention<T>::scatter(View<const T> from, const Packing& p, Range heads, Index j, Matrix<T>& to) {
  T* const first = to.data() + heads.first * (from.rows / heads.size());
  for (Index t = 0; t < from.cols; ++t)
    std::copy_n(from.data + t * from.stride, from.rows, first + (p.offset(t) + j) * to.rows());
}

/// q_t . k_s of the queries first .. and of the keys that one of them sees.
template <class T>
auto FusedAttention<T>::scores(const AttentionOptions& how, View<const T> q, View<const T> k, Index first, Room& room)
    -> Block {
  const Index n = (std::min)(queries_at_once, q.cols - first);
  const Range keys{seen(how, first, k.cols).first, seen(how, first + n - 1, k.cols).last};
  const Block block{columns(room.w, keys.size(), n), first, k.cols, keys};
  product<T>(block.w, k.middle_cols(keys.first, keys.size()), Transpose::yes, q.middle_cols(first, n), Transpose::no,
             Accumulate::no, room.product);
  return block;
}
/// f(the scores of keys that are seen, which query of the block is the first) for all at once, or where they see
/// different keys for each that sees one; scores of keys that are not seen become 0.
template <class T>
template <class F>
void FusedAttention<T>::for_seen(const AttentionOptions& how, const Block& block, const F& f) {
  if (!is_masked(how)) return f(block.w, Index{0});
  for (Index n = 0; n < block.w.cols; ++n) {
    const Range all = seen(how, block.first + n, block.of_keys);
    const Index first = all.first - block.keys.first, rows = all.size();
    T* const w = block.w.data + n * block.w.stride;
    std::fill_n(w, first, T(0));
    std::fill(w + first + rows, w + block.w.rows, T(0));
    if (rows > 0) f(View<T>{w + first, rows, 1, block.w.stride}, n);
  }
}
/// exp(w - largest) in place of the scores; `sum` is 0 for a query that sees no key.
template <class T> void FusedAttention<T>::softmax(const AttentionOptions& how, const Block& block, Room& room) {
  room.sum.setZero();
  for_seen(how, block, [&](View<T> w, Index n) {
    dispatch<SoftmaxColumns>(SoftmaxBlock<T>{w, &room.largest(n, 0), &room.sum(n, 0), &room.sum_of_x(n, 0)});
  });
}

/// Scales of a block's weights: functions of sequence, head, query and place among the keys that it sees; 0 of others.
template <class T>
View<T> FusedAttention<T>::draw(const AttentionOptions& how, const DropoutMask& mask, Index sequence,
                                const Block& block, Room& room) {
  const View<T> drawn = columns(room.mask, block.w.rows, block.w.cols);
  for_seen(how, {drawn, block.first, block.of_keys, block.keys}, [&](View<T> some, Index first) {
    for (Index n = 0; n < some.cols; ++n)
      mask.draw(sequence, block.first + first + n, some.rows, some.data + n * some.stride);
  });
  return drawn;
}

template <class T>
void FusedAttention<T>::forward(const Sequences& q, const Sequences& k, const Sequences& v, const AttentionOptions& how,
                                const Context& context, Matrix<T>& y) {
  check(q, k, v, how);
  const bool dropout = drops(how, context);
  const Index A = q.values.rows() / how.heads, C = v.values.rows() / how.heads;
  reserve(q, k, v, how, dropout, false);
  y.resize(v.values.rows(), q.packing.total());
  for_tasks(q.packing, k.packing, how.heads, how.heads * (A + C), [&](const Task& task, Room& room) {
    const Index heads = task.heads.size();
    const View<T> all_q = gather(q, task.heads, A, task.at_q, task.queries, room.q);
    const View<T> all_k = gather(k, task.heads, A, task.at_k, task.keys, room.k);
    const View<T> all_v = &v == &k ? all_k : gather(v, task.heads, C, task.at_k, task.keys, room.v);
    const View<T> all_y = columns(room.y, heads * C, task.queries);
    scale(all_q.rows * all_q.cols, static_cast<T>(how.scale), all_q.data);
    for (Index h = 0; h < heads; ++h) {
      const DropoutMask mask(context, static_cast<std::uint64_t>(task.heads.first + h), how.dropout);
      const View<T> of_q = all_q.middle_rows(h * A, A), of_k = all_k.middle_rows(h * A, A);
      const View<T> of_v = all_v.middle_rows(h * C, C), of_y = all_y.middle_rows(h * C, C);
      for (Index t = 0; t < task.queries; t += queries_at_once) {
        const Block block = scores(how, of_q, of_k, t, room);
        softmax(how, block, room);
        for (Index n = 0; n < block.w.cols; ++n) {
          T& sum = room.sum(n, 0);
          const bool sees = seen(how, t + n, task.keys).size() > 0;
          log_sums_(task.heads.first + h, q.packing.offset(t + n) + task.at_q) =
              sees ? room.largest(n, 0) + std::log(sum) : T(0);
          sum = sees ? 1 / sum : T(0);
        }
        if (dropout)
          multiply<T>(block.w.rows * block.w.cols, draw(how, mask, task.row, block, room).data, block.w.data);
        const View<T> to = of_y.middle_cols(t, block.w.cols);
        product<T>(to, of_v.middle_cols(block.keys.first, block.w.rows), Transpose::no, block.w, Transpose::no,
                   Accumulate::no, room.product);
        dispatch<ScaleColumns>(to, static_cast<const T*>(room.sum.data()), static_cast<const T*>(room.zero.data()));
      }
    }
    scatter(all_y, q.packing, task.heads, task.at_q, y);
  });
}

/// With P = w, the scales m of a dropout and D = m * dy V^T: dV = (m * P)^T dy, dS = P * (D - (P * D) 1), dQ = dS K,
/// dK = dS^T Q.
template <class T>
void FusedAttention<T>::backward(const Sequences& q, const Sequences& k, const Sequences& v, const Sequences& dy,
                                 const AttentionOptions& how, const Context& context, Matrix<T>& dq, Matrix<T>& dk,
                                 Matrix<T>& dv) {
  const bool dropout = drops(how, context);
  const Index A = q.values.rows() / how.heads, C = v.values.rows() / how.heads;
  const bool values_are_keys = &v == &k;
  reserve(q, k, v, how, dropout, true);
  dq.resize(q.values.rows(), q.packing.total());
  dk.resize(k.values.rows(), k.packing.total());
  if (!values_are_keys) dv.resize(v.values.rows(), v.packing.total());
  for_tasks(q.packing, k.packing, how.heads, how.heads * 2 * (A + C), [&](const Task& task, Room& room) {
    const Index heads = task.heads.size();
    const View<T> all_q = gather(q, task.heads, A, task.at_q, task.queries, room.q);
    const View<T> all_dy = gather(dy, task.heads, C, task.at_q, task.queries, room.y);
    const View<T> all_k = gather(k, task.heads, A, task.at_k, task.keys, room.k);
    const View<T> all_v = values_are_keys ? all_k : gather(v, task.heads, C, task.at_k, task.keys, room.v);
    const View<T> all_dq = columns(room.dq, heads * A, task.queries), all_dk = columns(room.dk, heads * A, task.keys);
    const View<T> all_dv = values_are_keys ? all_dk : columns(room.dv, heads * C, task.keys);
    scale(all_q.rows * all_q.cols, static_cast<T>(how.scale), all_q.data);
    fill(all_dk.rows * all_dk.cols, T(0), all_dk.data);
    if (!values_are_keys) fill(all_dv.rows * all_dv.cols, T(0), all_dv.data);
    for (Index h = 0; h < heads; ++h) {
      const DropoutMask mask(context, static_cast<std::uint64_t>(task.heads.first + h), how.dropout);
      const View<T> of_q = all_q.middle_rows(h * A, A), of_k = all_k.middle_rows(h * A, A);
      const View<T> of_v = all_v.middle_rows(h * C, C), of_dy = all_dy.middle_rows(h * C, C);
      const View<T> of_dq = all_dq.middle_rows(h * A, A), of_dk = all_dk.middle_rows(h * A, A);
      const View<T> of_dv = all_dv.middle_rows(h * C, C);
      for (Index t = 0; t < task.queries; t += queries_at_once) {
        const Block block = scores(how, of_q, of_k, t, room);
        const Index n = block.w.cols, first = block.keys.first, keys = block.w.rows;
        for (Index i = 0; i < n; ++i)
          room.sum(i, 0) = log_sums_(task.heads.first + h, q.packing.offset(t + i) + task.at_q);
        for_seen(how, block,
                 [&](View<T> w, Index i) { dispatch<ExpColumns>(w, static_cast<const T*>(&room.sum(i, 0))); });
        const View<T> dw = columns(room.dw, keys, n), dy_here = of_dy.middle_cols(t, n);
        product<T>(dw, of_v.middle_cols(first, keys), Transpose::yes, dy_here, Transpose::no, Accumulate::no,
                   room.product);
        View<T> counted = block.w;
        if (dropout) {
          counted = draw(how, mask, task.row, block, room);
          multiply<T>(keys * n, counted.data, dw.data);
          multiply<T>(keys * n, block.w.data, counted.data);
        }
        product<T>(of_dv.middle_cols(first, keys), dy_here, Transpose::no, counted, Transpose::yes, Accumulate::yes,
                   room.product);
        dispatch<SoftmaxBackward>(View<const T>(block.w), dw);
        product<T>(of_dq.middle_cols(t, n), of_k.middle_cols(first, keys), Transpose::no, dw, Transpose::no,
                   Accumulate::no, room.product);
        product<T>(of_dk.middle_cols(first, keys), of_q.middle_cols(t, n), Transpose::no, dw, Transpose::yes,
                   Accumulate::yes, room.product);
      }
    }
    scale(all_dq.rows * all_dq.cols, static_cast<T>(how.scale), all_dq.data);
    scatter(all_dq, q.packing, task.heads, task.at_q, dq);
    scatter(all_dk, k.packing, task.heads, task.at_k, dk);
    if (!values_are_keys) scatter(all_dv, k.packing, task.heads, task.at_k, dv);
  });
}

template <class T>
Matrix<T> FusedAttention<T>::weights(const Sequences& q, const Sequences& k, const AttentionOptions& how, Index head) {
  check(q, k, k, how);
  require(head < how.heads, "dot_attention: head ", head, ", expected 0 to ", how.heads - 1);
  const Index A = q.values.rows() / how.heads;
  reserve(q, k, k, how, false, false);
  Matrix<T> all = Matrix<T>::Zero(k.packing.steps(), q.packing.total());
  const Range heads = head < 0 ? Range{0, how.heads} : Range{head, head + 1};
  const Index as_one = 1;  // they add to the same weights
  for_tasks(q.packing, k.packing, as_one, heads.size() * A, [&](const Task& task, Room& room) {
    const View<T> all_q = gather(q, heads, A, task.at_q, task.queries, room.q);
    const View<T> all_k = gather(k, heads, A, task.at_k, task.keys, room.k);
    scale(all_q.rows * all_q.cols, static_cast<T>(how.scale), all_q.data);
    for (Index h = 0; h < heads.size(); ++h)
      for (Index t = 0; t < task.queries; t += queries_at_once) {
        const Block block = scores(how, all_q.middle_rows(h * A, A), all_k.middle_rows(h * A, A), t, room);
        softmax(how, block, room);
        for (Index n = 0; n < block.w.cols; ++n)
          if (seen(how, t + n, task.keys).size() > 0)
            axpy(block.w.rows, 1 / (static_cast<T>(heads.size()) * room.sum(n, 0)), block.w.data + n * block.w.stride,
                 &all(block.keys.first, q.packing.offset(t + n) + task.at_q));
      }
  });
  return all;
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
