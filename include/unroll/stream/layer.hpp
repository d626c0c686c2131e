// What a layer of a stream is: weights of fixed size that never change while samples pass, and a state that does.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>

#include <unroll/core/error.hpp>
#include <unroll/kernel/column_product.hpp>

namespace unroll::inline UNROLL_ABI {
namespace stream {

// A layer L says
//   Scalar, Input               T, and what a step reads: T, or a token id
//   inputs                      values of a step, 0: any number (an activation)
//   outputs<D>                  values it gives for D
//   State                       a value, trivially copyable
//   initial_state()             the state before the first step
//   run<Isa, D>(state, x, x_stride, y, n) const noexcept
//                               n steps; y has columns of stride_for(outputs<D>) values, 64-byte aligned
//   assign(layer)               takes the weights of a trained layer, of whatever type has the same members

/// State of a layer that has none.
struct Empty {
  friend constexpr bool operator==(Empty, Empty) { return true; }
};

}  // namespace stream
namespace detail {

template <class T> constexpr void require_size(const char* who, const char* what, std::span<const T> got, Index size) {
  if (static_cast<Index>(got.size()) != size)
    fail("stream::", who, ": ", what, " has ", got.size(), " elements, expected ", size);
}
template <class M> auto span_of(const M& matrix) {
  return std::span<const typename M::Scalar>(matrix.data(), static_cast<std::size_t>(matrix.size()));
}

/// Samples that go through all layers before the next ones: the output of each waits on the stack.
#if UNROLL_HAS_VECTORS
inline constexpr Index stream_chunk = 6;
#else
inline constexpr Index stream_chunk = 1;
#endif

template <class L, Index D> inline constexpr Index outputs_of = L::template outputs<D>;

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
