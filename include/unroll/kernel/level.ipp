// Bodies of kernel/level.hpp.
#pragma once

#include <cstdlib>
#include <initializer_list>
#include <stdexcept>

#include <unroll/core/error.hpp>
#include <unroll/kernel/level.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION bool has_simd_level(SimdLevel level) {
  if (static_cast<int>(level) < UNROLL_LEAST_LEVEL) return false;
  switch (level) {
    case SimdLevel::plain:
      return true;
    case SimdLevel::baseline:
      return UNROLL_HAS_VECTORS != 0;
#if UNROLL_HAS_X86_LEVELS
    case SimdLevel::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case SimdLevel::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
             has_simd_level(SimdLevel::avx2);
#endif
    default:
      return false;
  }
}

namespace detail {
UNROLL_FUNCTION void refuse_processor() {
#if UNROLL_LEAST_LEVEL > 0
  fail<std::runtime_error>("unroll: the kernels were compiled for ", name(static_cast<SimdLevel>(UNROLL_LEAST_LEVEL)),
                           " at least (UNROLL_LEAST_LEVEL, or the compiler's flags), which this processor lacks");
#else
  std::abort();  // every processor has the plain kernels
#endif
}

#if !UNROLL_HEADER_ONLY
constinit std::atomic<SimdLevel> simd_level_setting{not_chosen_yet};
#endif

UNROLL_FUNCTION SimdLevel choose_simd_level() {
  auto best = static_cast<SimdLevel>(UNROLL_LEAST_LEVEL);
  if (!has_simd_level(best)) refuse_processor();
  for (const SimdLevel level : {SimdLevel::baseline, SimdLevel::avx2, SimdLevel::avx512})
    if (has_simd_level(level)) best = level;
  simd_level_setting.store(best, std::memory_order_relaxed);
  return best;
}
}  // namespace detail

UNROLL_FUNCTION void set_simd_level(SimdLevel level) {
  require(has_simd_level(level), "set_simd_level: this build on this processor has no level ", name(level),
          ", best is ", name(simd_level()));
  detail::simd_level_setting.store(level, std::memory_order_relaxed);
}

}  // namespace unroll::inline UNROLL_ABI
