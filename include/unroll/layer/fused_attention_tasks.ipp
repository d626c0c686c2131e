// Bodies of layer/fused_attention.hpp: what is refused, and which thread has which heads of which sequence.
#pragma once

#include <algorithm>
#include <cstddef>

#include <unroll/core/denormals.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/core/parallel.hpp>
#include <unroll/core/range.hpp>
#include <unroll/layer/fused_attention.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

template <class T>
void FusedAttention<T>::check(const Sequences& q, const Sequences& k, const Sequences& v, const AttentionOptions& how) {
  check_batch("dot_attention", q);
  check_batch("dot_attention", k);
  check_columns("dot_attention", v);
  require(q.packing.batch() == k.packing.batch(), "dot_attention: queries of ", q.packing.batch(),
          " sequences, keys of ", k.packing.batch());
  require(&k == &v || k.packing == v.packing, "dot_attention: keys and values are of different sequences");
  require(q.values.rows() == k.values.rows(), "dot_attention: queries have ", q.values.rows(), " features, keys ",
          k.values.rows());
  require(how.heads >= 1 && q.values.rows() % how.heads == 0 && v.values.rows() % how.heads == 0,
          "dot_attention: ", how.heads, " heads, expected a divisor of the ", q.values.rows(),
          " features of the keys and the ", v.values.rows(), " of the values");
  require(has_finite_bits(how.scale), "dot_attention: scale ", how.scale, ", expected a finite number");
  require_fraction("dot_attention", "dropout", how.dropout);
}

template <class T>
void FusedAttention<T>::reserve(const Sequences& q, const Sequences& k, const Sequences& v, const AttentionOptions& how,
                                bool dropout, bool backward) {
  const Index A = q.values.rows(), C = v.values.rows(), queries = q.packing.steps(), keys = k.packing.steps();
  const Index of_head = (std::max)(A, C) / how.heads;
  sorted_positions(k.packing, of_row_);
  log_sums_.resize(how.heads, q.packing.total());
  rooms_.resize((std::max)(rooms_.size(), static_cast<std::size_t>(threads())));
  for (Room& room : rooms_) {
    room.q.resize(A, queries), room.k.resize(A, keys), room.y.resize(C, queries);
    room.w.resize(keys, queries_at_once);
    for (Matrix<T>* of : {&room.largest, &room.sum, &room.sum_of_x, &room.zero}) of->resize(queries_at_once, 1);
    room.zero.setZero();
    if (dropout) room.mask.resize(keys, queries_at_once);
    if (&v != &k) room.v.resize(C, keys);
    room.product.reserve(keys, queries_at_once, of_head);
    room.product.reserve(of_head, queries_at_once, keys);
    if (!backward) continue;
    room.dq.resize(A, queries), room.dk.resize(A, keys), room.dw.resize(keys, queries_at_once);
    if (&v != &k) room.dv.resize(C, keys);
    room.product.reserve(of_head, keys, queries_at_once);
  }
}

/// f(task, room). The longest sequences come first, and are dealt out to the threads one by one; where they are few,
/// their heads are.
template <class T>
template <class F>
void FusedAttention<T>::for_tasks(const Packing& q, const Packing& k, Index heads, Index work_of_pair, const F& f) {
  constexpr Index least_work = 400'000;  // multiplications that are worth a thread
  const auto place_of = [&](Index j) { return of_row_[static_cast<std::size_t>(q.row(j))]; };
  Index work = 0;
  for (Index j = 0; j < q.batch(); ++j) work += q.length(j) * k.length(place_of(j)) * work_of_pair;
  const Index most = inside_parallel() ? 1 : threads();
  const Index parts = most > 1 && q.batch() < 8 * most ? heads : 1, tasks = q.batch() * parts;
  const Index pieces = std::clamp<Index>((std::min)(tasks, work / least_work), 1, most);
  parallel_for(static_cast<int>(pieces), [&](int piece) {
    const FlushDenormals flush;
    for (Index n = piece; n < tasks; n += pieces) {
      const Index j = n / parts, at_k = place_of(j);
      const Range its_heads = parts > 1 ? Range{n % parts, n % parts + 1} : Range{0, heads};
      f(Task{its_heads, q.row(j), j, at_k, q.length(j), k.length(at_k)}, rooms_[static_cast<std::size_t>(piece)]);
    }
  });
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
