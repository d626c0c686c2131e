// What one time step of a pointwise cell reads and writes, and the recurrent weights in the order in which steps read
// them.
#pragma once

#include <algorithm>
#include <array>

#include <unroll/core/matrix.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/kernel/product.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {

/// U (GU H, H) in the order in which the steps read it. Made once per optimizer step, read by every time step.
template <class O> class RecurrentWeights {
 public:
  static constexpr Index lanes = detail::panel_rows;

  /// Without `for_backward` only the forward step may follow.
  template <class From> void pack(const Matrix<From>& U, Index units, int gates, bool for_backward = true) {
    units_ = units;
    gates_ = gates;
    const Index blocks = (units + lanes - 1) / lanes;
    forward_.resize(lanes * gates, blocks * units);
    O* to = forward_.data();
    for (Index block = 0; block < blocks; ++block)
      for (Index k = 0; k < units; ++k)
        for (Index g = 0; g < gates; ++g, to += lanes) {
          const Index n = (std::min)(lanes, units - block * lanes);
          const From* from = U.data() + k * U.rows() + g * units + block * lanes;
          std::copy_n(from, n, to);
          std::fill(to + n, to + lanes, O(0));
        }
    backward_.resize(lanes * gates, for_backward ? blocks * units : 0);
    if (for_backward && gates > 0)
      detail::pack_rows(view(U), Transpose::yes, 0, units, 0, gates * units, backward_.data());
  }

  /// U of 16 units: [k][gate][unit], units that do not exist are 0.
  const O* forward_block(Index block) const { return forward_.data() + block * units_ * gates_ * lanes; }
  /// 16 rows of U^T: [gate][k][row], rows that do not exist are 0.
  const O* backward_panel(Index panel) const { return backward_.data() + panel * units_ * gates_ * lanes; }

 private:
  Matrix<O> forward_, backward_;
  Index units_ = 0, gates_ = 0;
};

/// How many cached values stay where x was: what backward needs of the gates costs no memory of its own.
template <class E> inline constexpr Index kept_in_place = (std::min<Index>)(E::C, E::GX);

/// One step of n columns. Arrays are column-major without gaps: (H, n), gates stacked as (GX H, n) and (GU H, n). What
/// is multiplied, weights and h, is of type O; sums and all else are of the equations' T.
template <class E, class O = typename E::Scalar> struct StepForward {
  using T = typename E::Scalar;
  Index units, columns;
  const RecurrentWeights<O>* weights;
  const T* bias;                                            ///< b_h (GU H), or null
  const T* parameters;                                      ///< per unit (P, H), parameter p of unit k at p H + k
  T* x;                                                     ///< W x + b (GX H, n)
  std::array<const O*, static_cast<std::size_t>(E::GU)> h;  ///< what U multiplies, per gate: state 0, masked or not
  std::array<const T*, static_cast<std::size_t>(E::S)> prev;
  std::array<T*, static_cast<std::size_t>(E::S)> next;
  Index keep;  ///< not 0: a backward may follow, so x becomes the first cached values,
  T* cache;    ///< and the others go here ((C - kept_in_place) H, n)
};

/// Its backward. `d` holds d_next on entry and d_prev on return, U^T du included.
template <class E, class O = typename E::Scalar> struct StepBackward {
  using T = typename E::Scalar;
  Index units, columns;
  const RecurrentWeights<O>* weights;
  const T* parameters;
  std::array<const T*, static_cast<std::size_t>(E::S)> prev, next;
  const T* cache;  ///< ((C - kept_in_place) H, n); the first cached values are in dx
  std::array<const T*, static_cast<std::size_t>(E::GU)> mask;  ///< recurrent dropout (H, n) per gate, or null
  bool mask_per_gate;                                          ///< the masks of the gates differ
  std::array<T*, static_cast<std::size_t>(E::S)> d;
  T* dx;                    ///< (GX H, n): holds the first cached values on entry
  T* du;                    ///< (GU H, n); the same as dx where the ports are the same
  T* parameters_d;          ///< (P H, n), one value per column
  O* du_operand = nullptr;  ///< (GU H, n) room for du as U^T is multiplied with it, where O is not T
};

namespace detail {

template <class E, class V>
UNROLL_INLINE void call_forward(const std::array<V, E::P>& p, const std::array<V, E::GX>& x,
                                const std::array<V, E::GU>& u, const std::array<V, E::S>& prev,
                                std::array<V, E::S>& next, std::array<V, E::C>& cache) {
  if constexpr (E::P > 0) {
    UNROLL_INLINE_CALL E::forward(p, x, u, prev, next, cache);
  } else {
    UNROLL_INLINE_CALL E::forward(x, u, prev, next, cache);
  }
}
template <class E, class V>
UNROLL_INLINE void call_backward(const std::array<V, E::P>& p, std::array<V, E::P>& dp, const std::array<V, E::S>& prev,
                                 const std::array<V, E::S>& next, const std::array<V, E::C>& cache,
                                 const std::array<V, E::S>& d_next, std::array<V, E::GX>& dx, std::array<V, E::GU>& du,
                                 std::array<V, E::S>& d_prev) {
  if constexpr (E::P > 0) {
    UNROLL_INLINE_CALL E::backward(p, dp, prev, next, cache, d_next, dx, du, d_prev);
  } else {
    UNROLL_INLINE_CALL E::backward(prev, next, cache, d_next, dx, du, d_prev);
  }
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
