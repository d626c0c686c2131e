// The inner loop of every pointwise cell: recurrent product and equations of one time step.
#pragma once

#include <algorithm>

#include <unroll/kernel/fused_step.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/kernel/parallel.hpp>
#include <unroll/kernel/plain_step.hpp>
#include <unroll/kernel/step_arguments.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class E> struct ForwardStep {
  template <class Isa, class T> static UNROLL_INLINE void run(StepForward<E, T> step) {
    if constexpr (Isa::template width<T> == 1)
      plain_step(step);
    else
      FusedForward<E>::template run<Isa>(step);
  }
};
template <class E> struct BackwardStep {
  template <class Isa, class T> static UNROLL_INLINE void run(StepBackward<E, T> step) {
    if constexpr (Isa::template width<T> == 1)
      plain_step_backward(step);
    else
      FusedBackward<E>::template run<Isa>(step);
  }
};

/// Whether one step is long beside the ten microseconds or so that a fork takes.
inline bool long_step(Index recurrent_weights, Index columns) { return recurrent_weights * columns >= 10'000'000; }

/// f(units) for all of them: several threads share a long step of a batch whose columns they do not share.
inline void share_units(Index units, bool shared, FunctionRef<Units> f) {
  const Index blocks = (units + unit_block - 1) / unit_block;
  const Index pieces = shared ? std::min<Index>(threads(), blocks) : 1;
  parallel_for(static_cast<int>(pieces), [&](int k) {
    f({blocks * k / pieces * unit_block, std::min(units, blocks * (k + 1) / pieces * unit_block)});
  });
}
template <template <class, class> class Step, class E, class T> bool shares_units(const Step<E, T>& step) {
  return threads() > 1 && !inside_parallel() && long_step(E::GU * step.units * step.units, step.columns);
}
}  // namespace detail

/// next and cache from prev. Writes the n columns it is given and nothing else; their bits depend neither on n nor on
/// the threads.
template <class E, class T> void recurrent_step(const StepForward<E, T>& step) {
  detail::share_units(step.units, detail::shares_units(step), [&](Units units) {
    StepForward<E, T> part = step;
    part.made = units;
    detail::dispatch<detail::ForwardStep<E>>(part);
  });
}
/// dx, du and d from d_next.
template <class E, class T> void recurrent_step_backward(const StepBackward<E, T>& step) {
  const bool shared = detail::shares_units(step);
  StepBackward<E, T> part = step;
  part.made = {0, step.units};
  part.added = {0, shared ? 0 : step.units};
  detail::dispatch<detail::BackwardStep<E>>(part);
  if (!shared) return;
  part.made = {};  // U^T du needs all of du, whose equations are a tenth of its time
  detail::share_units(step.units, true, [part](Units units) {
    StepBackward<E, T> rows = part;
    rows.added = units;
    detail::dispatch<detail::BackwardStep<E>>(rows);
  });
}

}  // namespace unroll::inline UNROLL_ABI
