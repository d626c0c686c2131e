// Bodies of layer/fused_attention.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <unroll/core/denormals.hpp>
#include <unroll/core/parallel.hpp>
#include <unroll/kernel/elementwise.hpp>
#include <unroll/kernel/softmax.hpp>
#include <unroll/layer/fused_attention.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

template <class T>
void FusedAttention<T>::check(const Sequences& q, const Sequences& k, const Sequences& v, const AttentionOptions& how) {
  require(q.packing.batch() == k.packing.batch(), "dot_attention: queries of ", q.packing.batch(),
          " sequences, keys of ", k.packing.batch());
  require(&k == &v || k.packing == v.packing, "dot_attention: keys and values are of different sequences");
  require(q.values.rows() == k.values.rows(), "dot_attention: queries have ", q.values.rows(), " features, keys ",
          k.values.rows());
  require(how.heads >= 1 && q.values.rows() % how.heads == 0 && v.values.rows() % how.heads == 0,
          "dot_attention: ", how.heads, " heads, expected a divisor of the ", q.values.rows(),
          " features of the keys and the ", v.values.rows(), " of the values");
}

template <class T>
void FusedAttention<T>::reserve(const Sequences& q, const Sequences& k, const Sequences& v, const AttentionOptions& how,
                                bool backward) {
  const Index A = features(q, how), C = features(v, how), queries = q.packing.steps(), keys = k.packing.steps();
  sorted_positions(k.packing, of_row_);
  log_sums_.resize(how.heads, q.packing.total());
  rooms_.resize((std::max)(rooms_.size(), static_cast<std::size_t>(threads())));
  for (Room& room : rooms_) {
    room.q.resize(A, queries), room.k.resize(A, keys), room.y.resize(C, queries);
    room.w.resize(keys, queries_at_once);
    for (Matrix<T>* of : {&room.largest, &room.sum, &room.sum_of_x, &room.zero}) of->resize(queries_at_once, 1);
    room.zero.setZero();
    if (&v != &k) room.v.resize(C, keys);
    room.product.reserve(keys, queries_at_once, (std::max)(A, C));
    room.product.reserve((std::max)(A, C), queries_at_once, keys);
    if (!backward) continue;
    room.dq.resize(A, queries), room.dk.resize(A, keys), room.dw.resize(keys, queries_at_once);
    if (&v != &k) room.dv.resize(C, keys);
    room.product.reserve((std::max)(A, C), keys, queries_at_once);
  }
}

/// f(task, room). The longest sequences come first, and are dealt out to the threads one by one.
template <class T>
template <class F>
void FusedAttention<T>::for_tasks(const Packing& q, const Packing& k, const AttentionOptions& how, Index features,
                                  const F& f) {
  constexpr Index least_work = 400'000;  // multiplications that are worth a thread
  const auto keys_of = [&](Index j) { return of_row_[static_cast<std::size_t>(q.row(j))]; };
  Index work = 0;
  for (Index j = 0; j < q.batch(); ++j) work += q.length(j) * k.length(keys_of(j)) * features * how.heads;
  const Index tasks = q.batch() * how.heads;
  const Index pieces = std::clamp<Index>((std::min)(tasks, work / least_work), 1, inside_parallel() ? 1 : threads());
  parallel_for(static_cast<int>(pieces), [&](int piece) {
    const FlushDenormals flush;
    for (Index n = piece; n < tasks; n += pieces) {
      const Index j = n / how.heads, at_k = keys_of(j);
      f(Task{n % how.heads, j, at_k, q.length(j), k.length(at_k)}, rooms_[static_cast<std::size_t>(piece)]);
    }
  });
}

/// Rows of a head, the n columns of a sequence, j-th in its packing.
template <class T>
View<T> FusedAttention<T>::gather(const Matrix<T>& from, const Packing& p, Index head, Index rows, Index j, Index n,
                                  Matrix<T>& to) {
  for (Index t = 0; t < n; ++t)
    std::copy_n(from.data() + (p.offset(t) + j) * from.rows() + head * rows, rows, to.data() + t * rows);
  return columns(to, rows, n);
}
template <class T>
void FusedAttention<T>::scatter(View<const T> from, const Packing& p, Index head, Index j, Matrix<T>& to) {
  for (Index t = 0; t < from.cols; ++t)
    std::copy_n(from.data + t * from.stride, from.rows, to.data() + (p.offset(t) + j) * to.rows() + head * from.rows);
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

template <class T>
void FusedAttention<T>::forward(const Sequences& q, const Sequences& k, const Sequences& v, const AttentionOptions& how,
                                Matrix<T>& y) {
  check(q, k, v, how);
  const Index A = features(q, how), C = features(v, how);
  reserve(q, k, v, how, false);
  y.resize(v.values.rows(), q.packing.total());
  for_tasks(q.packing, k.packing, how, A + C, [&](const Task& task, Room& room) {
    const View<T> of_y = columns(room.y, C, task.queries);
    if (task.keys == 0) {
      fill(C * task.queries, T(0), of_y.data);
      return scatter(of_y, q.packing, task.head, task.at_q, y);
    }
    const View<T> of_q = gather(q.values, q.packing, task.head, A, task.at_q, task.queries, room.q);
    const View<T> of_k = gather(k.values, k.packing, task.head, A, task.at_k, task.keys, room.k);
    const View<T> of_v = &v == &k ? of_k : gather(v.values, v.packing, task.head, C, task.at_k, task.keys, room.v);
    scale(A * task.queries, static_cast<T>(how.scale), of_q.data);
    for (Index t = 0; t < task.queries; t += queries_at_once) {
      const Block block = scores(how, of_q, of_k, t, room);
      softmax(how, block, room);
      for (Index n = 0; n < block.w.cols; ++n) {
        T& sum = room.sum(n, 0);
        const bool sees = seen(how, t + n, task.keys).size() > 0;
        log_sums_(task.head, q.packing.offset(t + n) + task.at_q) = sees ? room.largest(n, 0) + std::log(sum) : T(0);
        sum = sees ? 1 / sum : T(0);
      }
      const View<T> to = of_y.middle_cols(t, block.w.cols);
      product<T>(to, of_v.middle_cols(block.keys.first, block.w.rows), Transpose::no, block.w, Transpose::no,
                 Accumulate::no, room.product);
      dispatch<ScaleColumns>(to, static_cast<const T*>(room.sum.data()), static_cast<const T*>(room.zero.data()));
    }
    scatter(of_y, q.packing, task.head, task.at_q, y);
  });
}

/// With P = w and D = dy V^T: dV = P^T dy, dS = P * (D - (P * D) 1), dQ = dS K, dK = dS^T Q.
template <class T>
void FusedAttention<T>::backward(const Sequences& q, const Sequences& k, const Sequences& v, const Matrix<T>& dy,
                                 const AttentionOptions& how, Matrix<T>& dq, Matrix<T>& dk, Matrix<T>& dv) {
  const Index A = features(q, how), C = features(v, how);
  const bool values_are_keys = &v == &k;
  reserve(q, k, v, how, true);
  dq.resize(q.values.rows(), q.packing.total());
  dk.resize(k.values.rows(), k.packing.total());
  if (!values_are_keys) dv.resize(v.values.rows(), v.packing.total());
  for_tasks(q.packing, k.packing, how, 2 * A + 2 * C, [&](const Task& task, Room& room) {
    const View<T> of_q = gather(q.values, q.packing, task.head, A, task.at_q, task.queries, room.q);
    const View<T> of_dy = gather(dy, q.packing, task.head, C, task.at_q, task.queries, room.y);
    const View<T> of_k = gather(k.values, k.packing, task.head, A, task.at_k, task.keys, room.k);
    const View<T> of_v =
        values_are_keys ? of_k : gather(v.values, v.packing, task.head, C, task.at_k, task.keys, room.v);
    const View<T> d_q = columns(room.dq, A, task.queries), d_k = columns(room.dk, A, task.keys);
    const View<T> d_v = values_are_keys ? d_k : columns(room.dv, C, task.keys);
    scale(A * task.queries, static_cast<T>(how.scale), of_q.data);
    fill(A * task.keys, T(0), d_k.data);
    if (!values_are_keys) fill(C * task.keys, T(0), d_v.data);
    for (Index t = 0; t < task.queries; t += queries_at_once) {
      const Block block = scores(how, of_q, of_k, t, room);
      const Index n = block.w.cols, first = block.keys.first, keys = block.w.rows;
      for (Index i = 0; i < n; ++i) room.sum(i, 0) = log_sums_(task.head, q.packing.offset(t + i) + task.at_q);
      for_seen(how, block,
               [&](View<T> w, Index i) { dispatch<ExpColumns>(w, static_cast<const T*>(&room.sum(i, 0))); });
      const View<T> dw = columns(room.dw, keys, n), of_dy_here = of_dy.middle_cols(t, n);
      product<T>(d_v.middle_cols(first, keys), of_dy_here, Transpose::no, block.w, Transpose::yes, Accumulate::yes,
                 room.product);
      product<T>(dw, of_v.middle_cols(first, keys), Transpose::yes, of_dy_here, Transpose::no, Accumulate::no,
                 room.product);
      dispatch<SoftmaxBackward>(View<const T>(block.w), dw);
      product<T>(d_q.middle_cols(t, n), of_k.middle_cols(first, keys), Transpose::no, dw, Transpose::no, Accumulate::no,
                 room.product);
      product<T>(d_k.middle_cols(first, keys), of_q.middle_cols(t, n), Transpose::no, dw, Transpose::yes,
                 Accumulate::yes, room.product);
    }
    scale(A * task.queries, static_cast<T>(how.scale), d_q.data);
    scatter(d_q, q.packing, task.head, task.at_q, dq);
    scatter(d_k, k.packing, task.head, task.at_k, dk);
    if (!values_are_keys) scatter(d_v, k.packing, task.head, task.at_k, dv);
  });
}

template <class T>
Matrix<T> FusedAttention<T>::weights(const Sequences& q, const Sequences& k, const AttentionOptions& how, Index head) {
  check(q, k, k, how);
  require(head < how.heads, "dot_attention: head ", head, ", expected 0 to ", how.heads - 1);
  const Index A = features(q, how);
  reserve(q, k, k, how, false);
  Matrix<T> all = Matrix<T>::Zero(k.packing.steps(), q.packing.total());
  const Index first = head < 0 ? 0 : head, heads = head < 0 ? how.heads : 1;
  AttentionOptions one = how;  // a task is a sequence: the heads add to the same elements
  one.heads = 1;
  for_tasks(q.packing, k.packing, one, q.values.rows(), [&](const Task& task, Room& room) {
    for (Index h = first; task.keys > 0 && h < first + heads; ++h) {
      const View<T> of_q = gather(q.values, q.packing, h, A, task.at_q, task.queries, room.q);
      const View<T> of_k = gather(k.values, k.packing, h, A, task.at_k, task.keys, room.k);
      scale(A * task.queries, static_cast<T>(how.scale), of_q.data);
      for (Index t = 0; t < task.queries; t += queries_at_once) {
        const Block block = scores(how, of_q, of_k, t, room);
        softmax(how, block, room);
        for (Index n = 0; n < block.w.cols; ++n)
          if (seen(how, t + n, task.keys).size() > 0)
            axpy(block.w.rows, 1 / (static_cast<T>(heads) * room.sum(n, 0)), block.w.data + n * block.w.stride,
                 &all(block.keys.first, q.packing.offset(t + n) + task.at_q));
      }
    }
  });
  return all;
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
