// The rules of differentiation: for each operation what it gives, what its gradient is, and which values that is made
// of.
#pragma once

#include <cstddef>

#include <unroll/cell/derived/operations.hpp>
#include <unroll/core/config.hpp>
#include <unroll/kernel/functions.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// The result of an operation with operands a, b and c.
template <Op op, class V> UNROLL_INLINE V result_of(const V& a, const V& b, const V& c) {
  using enum Op;
  if constexpr (op == add) return a + b;
  if constexpr (op == subtract) return a - b;
  if constexpr (op == multiply) return a * b;
  if constexpr (op == divide) return a / b;
  if constexpr (op == negate) return -a;
  if constexpr (op == multiply_add) return fma(a, b, c);
  if constexpr (op == smaller) return select(a < b, a, b);
  if constexpr (op == larger) return select(a > b, a, b);
  if constexpr (op == absolute) return abs(a);
  if constexpr (op == root) return sqrt(a);
  if constexpr (op == less) return select(a < b, V(1), V(0));
  if constexpr (op == less_or_equal) return select(a <= b, V(1), V(0));
  if constexpr (op == equal) return select(a == b, V(1), V(0));
  if constexpr (op == choose) return select(a > V(0), b, c);
  if constexpr (op == exponential) return exp(a);
  if constexpr (op == logarithm) return log(a);
  if constexpr (op == tangent) return tanh(a);
  if constexpr (op == logistic) return sigmoid(a);
}

/// What the gradient d of its result r adds to that of an operand. Where an operation has a kink, it is that of the
/// side which `forward` takes; of |a| at 0 it is 0.
template <Op op, std::size_t operand, class V>
UNROLL_INLINE V gradient_of(const V& d, const V& a, const V& b, const V& r) {
  using enum Op;
  constexpr bool first = operand == 0;
  if constexpr (op == add) return d;
  if constexpr (op == subtract) return first ? d : -d;
  if constexpr (op == multiply) return d * (first ? b : a);
  if constexpr (op == divide) return first ? d / b : -(d * r / b);
  if constexpr (op == negate) return -d;
  if constexpr (op == multiply_add) return operand == 2 ? d : d * (first ? b : a);
  if constexpr (op == smaller) return first ? select(r < b, d, V(0)) : select(r < b, V(0), d);
  if constexpr (op == larger) return first ? select(r > b, d, V(0)) : select(r > b, V(0), d);
  if constexpr (op == absolute) return select(a > V(0), d, select(a < V(0), -d, V(0)));
  if constexpr (op == root) return d / (r + r);
  if constexpr (op == choose) return operand == 1 ? select(a > V(0), d, V(0)) : select(a > V(0), V(0), d);
  if constexpr (op == exponential) return d * r;
  if constexpr (op == logarithm) return d / a;
  if constexpr (op == tangent) return d * (1 - r * r);
  if constexpr (op == logistic) return d * r * (1 - r);
}

/// Which values the lines above read.
struct Reads {
  bool a = false, b = false, r = false;
};
constexpr Reads reads_of(Op op, std::size_t operand) {
  using enum Op;
  switch (op) {
    case multiply:
    case multiply_add:
      return {.a = operand == 1, .b = operand == 0};
    case divide:
      return {.b = true, .r = operand == 1};
    case smaller:
    case larger:
      return {.b = true, .r = true};
    case absolute:
    case choose:
    case logarithm:
    case normalize:  // cell/stages/backward_sums.hpp
      return {.a = true};
    case root:
    case exponential:
    case tangent:
    case logistic:
      return {.r = true};
    default:
      return {};
  }
}
constexpr bool is_comparison(Op op) { return op == Op::less || op == Op::less_or_equal || op == Op::equal; }
/// As soon computed again as read from memory.
constexpr bool is_cheap(Op op) { return op >= Op::add && op < Op::exponential; }

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
