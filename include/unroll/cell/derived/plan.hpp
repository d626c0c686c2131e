// What the backward of equations does, and so what their forward keeps for it: found by the compiler.
#pragma once

#include <array>
#include <cstddef>

#include <unroll/cell/derived/operations.hpp>
#include <unroll/cell/derived/rules.hpp>
#include <unroll/cell/pointwise_cell.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// A `forward` that was read. The inputs come first: p, x, u, prev.
template <class E> struct TracedEquations {
  static constexpr std::size_t P = E::P, GX = E::GX, GU = E::GU, S = E::S;
  static constexpr std::size_t x_at = P, u_at = x_at + GX, prev_at = u_at + GU, inputs = prev_at + S;
  Trace trace;
  std::array<std::size_t, S> next{};
};
/// Without `with_forward` its next states are 0: in the place of one that cannot be read.
template <class E, bool with_forward> constexpr TracedEquations<E> read_forward() {
  TracedEquations<E> equations;
  Trace& trace = equations.trace;
  std::array<Traced, TracedEquations<E>::P> p;
  std::array<Traced, TracedEquations<E>::GX> x;
  std::array<Traced, TracedEquations<E>::GU> u;
  std::array<Traced, TracedEquations<E>::S> prev, next;
  const auto open = [&](auto& values) {
    for (Traced& value : values) value = Traced(trace, {Op::input});
  };
  open(p), open(x), open(u), open(prev);
  if constexpr (with_forward && E::P > 0) E::forward(p, x, u, prev, next);
  if constexpr (with_forward && E::P == 0) E::forward(x, u, prev, next);
  for (std::size_t f = 0; f < next.size(); ++f) equations.next[f] = static_cast<std::size_t>(next[f].at(trace));
  return equations;
}

/// Of N operations.
template <std::size_t N> struct Plan {
  std::array<bool, N> live{};         ///< has a gradient: an input has a way to it, and it has one to a next state
  std::array<bool, N> again{};        ///< backward computes it again
  std::array<std::size_t, N> kept{};  ///< the first `keeps`: what forward keeps
  std::size_t keeps = 0;
  bool same_ports = false;

  constexpr bool is_live(int at) const { return at >= 0 && live[static_cast<std::size_t>(at)]; }
};

/// f(i, place) for each operand.
constexpr void for_operands(const Operation& operation, const auto& f) {
  for (std::size_t i = 0; i < operation.of.size(); ++i)
    if (operation.of[i] >= 0) f(i, static_cast<std::size_t>(operation.of[i]));
}

/// f(place) for each value that the gradients of operation k read; is_live(place) says which operands have one.
constexpr void for_reads(const Operation& operation, std::size_t k, const auto& is_live, const auto& f) {
  for_operands(operation, [&](std::size_t i, std::size_t of) {
    if (!is_live(of)) return;
    const Reads reads = reads_of(operation.op, i);
    if (reads.r) f(k);
    for_operands(operation, [&](std::size_t j, std::size_t at) {
      if (j == 0 ? reads.a : j == 1 && reads.b) f(at);
    });
  });
}

template <std::size_t N, class E> constexpr Plan<N> make_plan(const TracedEquations<E>& equations) {
  constexpr std::size_t x_at = TracedEquations<E>::x_at, prev_at = TracedEquations<E>::prev_at;
  const auto is_port = [](std::size_t k) { return k >= x_at && k < prev_at; };
  const auto& operations = equations.trace.operations;
  Plan<N> plan;

  std::array<bool, N> is_next{}, varies{};
  for (const std::size_t k : equations.next) is_next[k] = true;
  for (std::size_t k = 0; k < N; ++k) {
    varies[k] = operations[k].op == Op::input;
    if (!is_comparison(operations[k].op))
      for_operands(operations[k], [&](auto, std::size_t of) { varies[k] |= varies[of]; });
  }
  auto matters = is_next;
  for (std::size_t k = N; k-- > 0;) {
    plan.live[k] = varies[k] && matters[k];
    if (plan.live[k]) for_operands(operations[k], [&](auto, std::size_t of) { matters[of] = true; });
  }

  // What backward reads. What it is not given and cannot compute from what it is given, forward keeps.
  std::array<bool, N> read{}, known{};
  for (std::size_t k = 0; k < N; ++k)
    if (plan.live[k])
      for_reads(
          operations[k], k, [&](std::size_t of) { return plan.live[of]; }, [&](std::size_t at) { read[at] = true; });
  for (std::size_t k = 0; k < N; ++k) {
    const Op op = operations[k].op;
    known[k] = is_next[k] || op == Op::number || (op == Op::input && !is_port(k));
    if (!known[k] && is_cheap(op)) {
      plan.again[k] = true;
      for_operands(operations[k], [&](auto, std::size_t of) { plan.again[k] &= known[of]; });
      known[k] = plan.again[k];
    }
    if (read[k] && !known[k]) {
      plan.kept[plan.keeps++] = k;
      known[k] = true;
    }
  }

  // The ports are the same where x[g] and u[g] occur only as their sum.
  plan.same_ports = E::GX == E::GU;
  for (std::size_t k = x_at; k < prev_at; ++k) plan.same_ports &= !is_next[k];
  for (std::size_t k = 0; k < N; ++k) {
    const auto& [op, of, number, which] = operations[k];
    const bool is_sum = op == Op::add && (of[0] - of[1] == E::GX || of[1] - of[0] == E::GX);
    std::size_t ports = 0;
    for_operands(operations[k], [&](auto, std::size_t at) { ports += is_port(at); });
    if (ports > 0) plan.same_ports &= is_sum && ports == 2;
  }
  return plan;
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
