// A cell in stages, read by the compiler: its `forward` runs over a value that writes down what is done with it.
#pragma once

#include <array>
#include <cstddef>

#include <unroll/cell/derived/operations.hpp>
#include <unroll/cell/staged_cell.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// U(g, v) and U.project(v), written down.
struct TracedProducts {
  Trace& trace;
  int gates;
  constexpr Traced operator()(int gate, const Traced& v) const {
    return {trace, {Op::product, {v.at(trace), -1, -1}, 0, gate}};
  }
  constexpr Traced project(const Traced& v) const { return (*this)(gates, v); }
};

/// A `forward` that was read. The inputs come first: p, x, prev.
template <class E> struct TracedStages {
  static constexpr std::size_t P = E::P, GX = E::GX, GU = E::GU, S = E::S;
  static constexpr std::size_t x_at = P, prev_at = x_at + GX, inputs = prev_at + S;
  Trace trace;
  std::array<std::size_t, S> next{};
};
/// Without `with_forward` its next states are 0: in the place of one that cannot be read.
template <class E, bool with_forward> constexpr TracedStages<E> read_stages() {
  TracedStages<E> stages;
  Trace& trace = stages.trace;
  std::array<Traced, TracedStages<E>::P> p;
  std::array<Traced, TracedStages<E>::GX> x;
  std::array<Traced, TracedStages<E>::S> prev, next;
  const auto open = [&](auto& values) {
    for (Traced& value : values) value = Traced(trace, {Op::input});
  };
  open(p), open(x), open(prev);
  const TracedProducts U{trace, E::GU};
  if constexpr (with_forward && E::P > 0) E::forward(p, U, x, prev, next);
  if constexpr (with_forward && E::P == 0) E::forward(U, x, prev, next);
  for (std::size_t f = 0; f < next.size(); ++f) {
    auto at = static_cast<std::size_t>(next[f].at(trace));
    const Operation& last = trace.operations[at];
    bool is_own = last.op != Op::input && last.op != Op::number && last.op != Op::normalize &&
                  (last.op != Op::product || last.which == E::GU);
    for (std::size_t other = 0; other < f; ++other) is_own &= stages.next[other] != at;
    if (!is_own)  // v + 0: each state has an operation of its own, done in a pass
      at = static_cast<std::size_t>(Traced::made(Op::add, {next[f], Traced(trace, {Op::number})}).at(trace));
    stages.next[f] = at;
  }
  return stages;
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
