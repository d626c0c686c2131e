// Functions of one value, by name: trained layers, streams and files have the same list.
#pragma once

#include <string_view>

#include <unroll/kernel/functions.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI::detail {

// A function says value(x) and gradient_from_output(y) over a value type; `kind` is its name in files.

struct ReluFunction {
  static constexpr std::string_view name = "Relu", kind = "relu";
  template <class V> static UNROLL_INLINE V value(const V& x) { return relu(x); }
  template <class V> static UNROLL_INLINE V gradient_from_output(const V& y) { return select(y > V(0), V(1), V(0)); }
};
struct TanhFunction {
  static constexpr std::string_view name = "Tanh", kind = "tanh";
  template <class V> static UNROLL_INLINE V value(const V& x) { return tanh(x); }
  template <class V> static UNROLL_INLINE V gradient_from_output(const V& y) { return 1 - y * y; }
};
struct SigmoidFunction {
  static constexpr std::string_view name = "Sigmoid", kind = "sigmoid";
  template <class V> static UNROLL_INLINE V value(const V& x) { return sigmoid(x); }
  template <class V> static UNROLL_INLINE V gradient_from_output(const V& y) { return y * (1 - y); }
};

}  // namespace unroll::inline UNROLL_ABI::detail
UNROLL_KERNEL_END
