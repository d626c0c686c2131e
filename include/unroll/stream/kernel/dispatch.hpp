// Streams choose their instructions once a call, as all kernels do. They have no plain version beside the vectors: what
// they compute is compared with the equations in double, and a program may hold many models.
#pragma once

#include <unroll/kernel/level.hpp>
#include <unroll/kernel/levels.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

/// Streams are compiled for the levels with vectors, where the compiler has any.
constexpr bool streams_at(SimdLevel level) {
  return is_compiled(level) && (level != SimdLevel::plain || !UNROLL_HAS_VECTORS);
}
constexpr int count_stream_levels() {
  int n = 0;
  for (const SimdLevel level : simd_levels) n += streams_at(level);
  return n;
}
/// The first of these, which stands for those before it too.
constexpr auto least_stream_level() {
#define UNROLL_LEVEL(number, name, Level)    \
  if constexpr (streams_at(SimdLevel::name)) \
    return Level();                          \
  else
  UNROLL_LEVELS(UNROLL_LEVEL)
#undef UNROLL_LEVEL
  return Plain();
}
using LeastStreamLevel = decltype(least_stream_level());

/// As `dispatch`.
template <class Kernel, class... Args> UNROLL_INLINE auto dispatch_stream(Args... args) {
  if constexpr (count_stream_levels() > 1) {
    switch (simd_level()) {
#define UNROLL_LEVEL(number, name, Level)                                                            \
  case SimdLevel::name:                                                                              \
    if constexpr (streams_at(SimdLevel::name)) return Level::template run<Kernel, Args...>(args...); \
    break;
      UNROLL_LEVELS(UNROLL_LEVEL)
#undef UNROLL_LEVEL
    }
  }
  return LeastStreamLevel::template run<Kernel, Args...>(args...);
}

/// The function for the level in use, to be kept; null for a level below the processor's usual ones, for which no
/// program is made.
template <class Kernel, class... Args> auto stream_function() {
  using Function = void (*)(Args...);
  switch (simd_level()) {
#define UNROLL_LEVEL(number, name, Level)                                                                              \
  case SimdLevel::name:                                                                                                \
    if constexpr (streams_at(SimdLevel::name) && Level::usual) return Function(&Level::template run<Kernel, Args...>); \
    break;
    UNROLL_LEVELS(UNROLL_LEVEL)
#undef UNROLL_LEVEL
  }
  if constexpr (LeastStreamLevel::usual) return Function(&LeastStreamLevel::template run<Kernel, Args...>);
  return Function(nullptr);
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
