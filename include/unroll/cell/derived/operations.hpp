// The equations of a unit, read by the compiler: `forward` runs over a value that writes down what is done with it.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <type_traits>

#include <unroll/core/error.hpp>
#include <unroll/kernel/simd.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// What equations do with values. A comparison gives 1 or 0. The functions from `exponential` on are the expensive
/// ones.
enum class Op : unsigned char {
  input,
  number,
  add,
  subtract,
  multiply,
  divide,
  negate,
  multiply_add,
  smaller,
  larger,
  absolute,
  root,
  less,
  less_or_equal,
  equal,
  choose,
  exponential,
  logarithm,
  tangent,
  logistic,
  product,   // of a row of a matrix and a vector whose values all units have a part in: see StagedCell
  normalize  // likewise
};

struct Operation {
  Op op = Op::number;
  std::array<int, 3> of{-1, -1, -1};  ///< places of the operands in the trace; -1 where there is none
  double number = 0;
  int which = -1;  ///< the gate of a product, the group of a norm
};

/// The operations of a `forward` in the order in which they are done, its inputs first.
struct Trace {
  static constexpr std::size_t most = 512;
  std::array<Operation, most> operations{};
  std::size_t size = 0;
  int norms = 0;

  constexpr int add(const Operation& operation) {
    if (size == most) fail("unroll::Derived: too many operations");  // no constant, so this is an error of the compiler
    operations[size] = operation;
    return static_cast<int>(size++);
  }
};

/// What has no truth value, as the units of a Simd may disagree.
struct NoTruth {
  template <std::same_as<bool> Truth> constexpr explicit operator Truth() const {
    static_assert(!sizeof(Truth), "unroll::Derived: values have no truth: write select(condition, a, b)");
    return false;
  }
};

/// A value of equations that are read: the place of an operation in the trace, or a number. It does what Simd does.
class Traced : public NoTruth {
 public:
  constexpr Traced() = default;
  template <class Number> requires std::is_arithmetic_v<Number>
  constexpr Traced(Number number) : number_(static_cast<double>(number)) {}
  constexpr Traced(Trace& trace, const Operation& operation) : trace_(&trace), at_(trace.add(operation)) {}

  /// Its place; that of a number is made now.
  constexpr int at(Trace& trace) const {
    return trace_ != nullptr ? at_ : trace.add({Op::number, {-1, -1, -1}, number_});
  }

  /// The result of an operation, which is written down; of numbers alone it is a number.
  static constexpr Traced made(Op op, std::initializer_list<Traced> of) {
    Trace* trace = nullptr;
    for (const Traced& operand : of)
      if (operand.trace_ != nullptr) trace = operand.trace_;
    if (trace == nullptr) return of_numbers(op, of.begin()->number_, (of.end() - 1)->number_);
    Operation operation{op};
    std::size_t k = 0;
    for (const Traced& operand : of) operation.of[k++] = operand.at(*trace);
    return {*trace, operation};
  }

  friend constexpr Traced operator+(const Traced& a, const Traced& b) { return made(Op::add, {a, b}); }
  friend constexpr Traced operator-(const Traced& a, const Traced& b) { return made(Op::subtract, {a, b}); }
  friend constexpr Traced operator*(const Traced& a, const Traced& b) { return made(Op::multiply, {a, b}); }
  friend constexpr Traced operator/(const Traced& a, const Traced& b) { return made(Op::divide, {a, b}); }
  friend constexpr Traced operator-(const Traced& a) { return made(Op::negate, {a}); }
  friend constexpr Traced operator+(const Traced& a) { return a; }
  constexpr Traced& operator+=(const Traced& b) { return *this = *this + b; }
  constexpr Traced& operator-=(const Traced& b) { return *this = *this - b; }
  constexpr Traced& operator*=(const Traced& b) { return *this = *this * b; }
  constexpr Traced& operator/=(const Traced& b) { return *this = *this / b; }

  constexpr Traced smaller(const Traced& b) const { return made(Op::smaller, {*this, b}); }
  constexpr Traced larger(const Traced& b) const { return made(Op::larger, {*this, b}); }
  friend constexpr Traced(min)(const Traced& a, const Traced& b) { return a.smaller(b); }
  friend constexpr Traced(max)(const Traced& a, const Traced& b) { return a.larger(b); }
  friend constexpr Traced relu(const Traced& a) { return a.larger(0); }
  friend constexpr Traced clamp(const Traced& x, const Traced& low, const Traced& high) {
    return high.smaller(low.larger(x));
  }
  friend constexpr Traced abs(const Traced& a) { return made(Op::absolute, {a}); }
  friend constexpr Traced fma(const Traced& a, const Traced& b, const Traced& c) {
    return made(Op::multiply_add, {a, b, c});
  }
  friend constexpr Traced sqrt(const Traced& a) { return made(Op::root, {a}); }
  friend constexpr Traced exp(const Traced& a) { return made(Op::exponential, {a}); }
  friend constexpr Traced log(const Traced& a) { return made(Op::logarithm, {a}); }
  friend constexpr Traced tanh(const Traced& a) { return made(Op::tangent, {a}); }
  friend constexpr Traced sigmoid(const Traced& a) { return made(Op::logistic, {a}); }
  /// For cells in stages: (v - mean) / sqrt(variance + 1e-5), over all units of all these values.
  template <std::size_t n> friend constexpr std::array<Traced, n> normalize(std::array<Traced, n> values) {
    Trace* trace = nullptr;
    for (const Traced& value : values)
      if (value.trace_ != nullptr) trace = value.trace_;
    const int group = trace->norms++;
    std::array<int, n> places{};
    for (std::size_t k = 0; k < n; ++k) places[k] = values[k].at(*trace);
    for (std::size_t k = 0; k < n; ++k) values[k] = Traced(*trace, {Op::normalize, {places[k], -1, -1}, 0, group});
    return values;
  }
  friend constexpr Traced normalize(const Traced& value) { return normalize(std::array{value})[0]; }

  template <class Lane = int> constexpr Traced operator[](Lane) const {
    static_assert(!sizeof(Lane), "unroll::Derived: a single lane of a value has no derivative: write `backward`");
    return {};
  }

 private:
  static constexpr Traced of_numbers(Op op, double a, double b) {
    if (op == Op::add) return a + b;
    if (op == Op::subtract) return a - b;
    if (op == Op::multiply) return a * b;
    if (op == Op::divide) return a / b;
    if (op == Op::negate) return -a;
    fail("unroll::Derived: a function of numbers alone");  // so this is no constant
  }
  Trace* trace_ = nullptr;
  int at_ = 0;
  double number_ = 0;
};

/// What a comparison gives: 1 or 0. As with Simd it is no bool.
struct TracedCondition : NoTruth {
  Traced value;

  constexpr explicit TracedCondition(const Traced& of) : value(of) {}

  friend constexpr TracedCondition operator&(const TracedCondition& a, const TracedCondition& b) {
    return TracedCondition(a.value * b.value);
  }
  friend constexpr TracedCondition operator|(const TracedCondition& a, const TracedCondition& b) {
    return TracedCondition(a.value.larger(b.value));
  }
  friend constexpr TracedCondition operator!(const TracedCondition& a) { return TracedCondition(1 - a.value); }
  friend constexpr Traced select(const TracedCondition& condition, const Traced& a, const Traced& b) {
    return Traced::made(Op::choose, {condition.value, a, b});
  }
};
constexpr TracedCondition operator<(const Traced& a, const Traced& b) {
  return TracedCondition(Traced::made(Op::less, {a, b}));
}
constexpr TracedCondition operator<=(const Traced& a, const Traced& b) {
  return TracedCondition(Traced::made(Op::less_or_equal, {a, b}));
}
constexpr TracedCondition operator==(const Traced& a, const Traced& b) {
  return TracedCondition(Traced::made(Op::equal, {a, b}));
}
constexpr TracedCondition operator>(const Traced& a, const Traced& b) { return b < a; }
constexpr TracedCondition operator>=(const Traced& a, const Traced& b) { return b <= a; }
constexpr TracedCondition operator!=(const Traced& a, const Traced& b) { return !(a == b); }

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
