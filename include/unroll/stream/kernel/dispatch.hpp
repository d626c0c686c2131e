// Streams choose their instructions once a call, as all kernels do. They have no plain version beside the vectors: what
// they compute is compared with the equations in double, and a program may hold many models.
#pragma once

#include <unroll/kernel/level.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

/// As `dispatch`; SimdLevel::plain is the baseline here, where the compiler has vectors.
template <class Kernel, class... Args> UNROLL_INLINE auto dispatch_stream(Args... args) {
#if UNROLL_LEAST_LEVEL >= 3
  return run_avx512<Kernel, Args...>(args...);
#else
#if UNROLL_HAS_X86_LEVELS
  const SimdLevel level = simd_level();
  if (level == SimdLevel::avx512) return run_avx512<Kernel, Args...>(args...);
#if UNROLL_LEAST_LEVEL >= 2
  return run_avx2<Kernel, Args...>(args...);
#else
  if (level == SimdLevel::avx2) return run_avx2<Kernel, Args...>(args...);
#endif
#endif
#if UNROLL_HAS_VECTORS && UNROLL_LEAST_LEVEL <= 1
  return run_baseline<Kernel, Args...>(args...);
#elif !UNROLL_HAS_VECTORS
  return Kernel::template run<Plain>(args...);
#endif
#endif
}

/// The function for the level in use, to be kept; null for a level below the processor's usual ones, for which no
/// program is made.
template <class Kernel, class... Args> auto stream_function() {
  using Function = void (*)(Args...);
#if UNROLL_HAS_X86_LEVELS
  const SimdLevel level = simd_level();
  if (level == SimdLevel::avx512) return Function(&run_avx512<Kernel, Args...>);
#if UNROLL_LEAST_LEVEL <= 2
  if (level == SimdLevel::avx2) return Function(&run_avx2<Kernel, Args...>);
#endif
  return Function(nullptr);
#elif UNROLL_HAS_VECTORS
  return Function(&run_baseline<Kernel, Args...>);
#else
  return Function([](Args... args) { Kernel::template run<Plain>(args...); });
#endif
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
