// Bodies of layer/additive_memory.hpp.
#pragma once

#include <unroll/kernel/additive_scores.hpp>
#include <unroll/kernel/elementwise.hpp>
#include <unroll/kernel/softmax.hpp>
#include <unroll/layer/additive_memory.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

template <class T> void AdditiveMemory<T>::look(Index j, const T* q, T* w, T* y) const {
  const Index A = k.rows(), C = m.values.rows(), length = m.packing.length(j);
  fill(C, T(0), y);
  if (length == 0) return;
  for (Index s = 0; s < length; ++s) w[s] = dispatch<AdditiveScore>(A, q, k.data() + (m.packing.offset(s) + j) * A, v);
  T largest, sum, sum_of_x;
  dispatch<SoftmaxColumns>(SoftmaxBlock<T>{{w, length, 1, length}, &largest, &sum, &sum_of_x});
  scale(length, 1 / sum, w);
  for (Index s = 0; s < length; ++s) axpy(C, w[s], m.values.data() + (m.packing.offset(s) + j) * C, y);
}

template <class T>
void AdditiveMemory<T>::look_backward(Index j, const T* q, const T* w, const T* y, const T* dy, T* dq, T* dv,
                                      Matrix<T>& dk, Matrix<T>& dm) const {
  const Index A = k.rows(), C = m.values.rows(), length = m.packing.length(j);
  fill(A, T(0), dq);
  fill(A, T(0), dv);
  const T mean = dispatch<Dot>(C, dy, y);
  for (Index s = 0; s < length; ++s) {
    const Index n = m.packing.offset(s) + j;
    const T of_w = dispatch<Dot>(C, dy, m.values.data() + n * C);
    for_each_element(A, AdditiveScoreBackward<T>{w[s] * (of_w - mean)}, q, k.data() + n * A, v, dq, dk.data() + n * A,
                     dv);
    axpy(C, w[s], dy, dm.data() + n * C);
  }
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
