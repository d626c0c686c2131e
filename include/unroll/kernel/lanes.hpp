// The compiler's vectors, and what its warnings have to be told of them.
#pragma once

#include <cstdint>
#include <type_traits>

#include <unroll/core/config.hpp>

// Kernel headers stand between these two. Vector arguments never cross a call that is not inlined, lanes that the
// compiler believes uninitialized are written before they are read, and an index that counts up is no negative
// subscript.
#if defined(__GNUC__)
#define UNROLL_KERNEL_BEGIN                                                                                        \
  _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wpragmas\"")                                   \
      _Pragma("GCC diagnostic ignored \"-Wunknown-warning-option\"") _Pragma("GCC diagnostic ignored \"-Wpsabi\"") \
          _Pragma("GCC diagnostic ignored \"-Wmaybe-uninitialized\"")                                              \
              _Pragma("GCC diagnostic ignored \"-Wsign-conversion\"")
#define UNROLL_KERNEL_END _Pragma("GCC diagnostic pop")
#define UNROLL_UNROLL _Pragma("GCC unroll 32")
#if defined(__clang__)  // two steps of a loop whose values fill the registers do not fit into them
#define UNROLL_ONE_BY_ONE _Pragma("clang loop unroll(disable)")
#else
#define UNROLL_ONE_BY_ONE
#endif
#else
#define UNROLL_KERNEL_BEGIN
#define UNROLL_KERNEL_END
#define UNROLL_UNROLL
#define UNROLL_ONE_BY_ONE
#endif

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

template <class T> using IntOf = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

template <class T, int W> struct Lanes {
#if defined(__GNUC__)
  typedef T type __attribute__((vector_size(W * sizeof(T))));
#else
  static_assert(W == 1, "unroll::Simd: this compiler has no vector extensions; only one lane is available");
#endif
};
template <class T> struct Lanes<T, 1> {
  using type = T;
};
template <class T, int W> using LanesOf = typename Lanes<T, W>::type;

/// A call, unlike all else here: equations load and store part of a vector in many places, and were half made of this.
template <class T> UNROLL_NOINLINE void copy_lanes(const T* from, Index n, T* to) {
  for (Index lane = 0; lane < n; ++lane) to[lane] = from[lane];
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
