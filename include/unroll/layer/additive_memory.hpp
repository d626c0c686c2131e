// What a query finds in a sequence that is looked through by additive attention, and its gradient: of one query, in a
// cell's step or outside of one.
#pragma once

#include <unroll/core/packed_sequence.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// e_s = v . tanh(q + k_s), w = softmax_s(e), y = sum_s w_s m_s over the steps of the sequence with place j in the
/// packing; q (A) and k (A, M) are projected already. Zeros where it has no step. What is tanh'd is made again on the
/// way back: O(A) a query and step twice, but no memory for it.
template <class T> struct AdditiveMemory {
  const PackedSequence<T>& m;
  const Matrix<T>& k;
  const T* v;

  /// w has room for the sequence's steps.
  UNROLL_API void look(Index j, const T* q, T* w, T* y) const;
  /// dq and dv =, dk and dm +=.
  UNROLL_API void look_backward(Index j, const T* q, const T* w, const T* y, const T* dy, T* dq, T* dv, Matrix<T>& dk,
                                Matrix<T>& dm) const;
};

#define UNROLL_ADDITIVE_MEMORY_INSTANCES(DECLARE, T)                                                               \
  DECLARE void AdditiveMemory<T>::look(Index, const T*, T*, T*) const;                                             \
  DECLARE void AdditiveMemory<T>::look_backward(Index, const T*, const T*, const T*, const T*, T*, T*, Matrix<T>&, \
                                                Matrix<T>&) const;
#if !UNROLL_HEADER_ONLY
UNROLL_ADDITIVE_MEMORY_INSTANCES(extern template, float)
UNROLL_ADDITIVE_MEMORY_INSTANCES(extern template, double)
#endif

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/layer/additive_memory.ipp>
#endif
