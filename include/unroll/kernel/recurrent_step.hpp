// The inner loop of every pointwise cell: recurrent product and equations of one time step.
#pragma once

#include <unroll/kernel/fused_step.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/kernel/plain_step.hpp>
#include <unroll/kernel/step_arguments.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class E> struct ForwardStep {
  template <class Isa, class O> static UNROLL_INLINE void run(StepForward<E, O> step) {
    if constexpr (Isa::template width<typename E::Scalar> == 1)
      plain_step(step);
    else
      FusedForward<E, O>::template run<Isa>(step);
  }
};
template <class E> struct BackwardStep {
  template <class Isa, class O> static UNROLL_INLINE void run(StepBackward<E, O> step) {
    if constexpr (Isa::template width<typename E::Scalar> == 1)
      plain_step_backward(step);
    else
      FusedBackward<E, O>::template run<Isa>(step);
  }
};
}  // namespace detail

/// next and cache from prev. Writes the n columns it is given and nothing else; their bits do not depend on n.
template <class E, class O> void recurrent_step(const StepForward<E, O>& step) {
  detail::dispatch<detail::ForwardStep<E>>(step);
}
/// dx, du and d from d_next.
template <class E, class O> void recurrent_step_backward(const StepBackward<E, O>& step) {
  detail::dispatch<detail::BackwardStep<E>>(step);
}

}  // namespace unroll::inline UNROLL_ABI
