// Bodies of kernel/level.hpp.
#pragma once

#include <cstdlib>
#include <initializer_list>
#include <stdexcept>

#include <unroll/core/error.hpp>
#include <unroll/kernel/level.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION bool processor_has(SimdLevel level) {
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
             __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    default:
      return false;
  }
}

UNROLL_FUNCTION void refuse_processor([[maybe_unused]] int least) {
#if defined(__cpp_exceptions)
  fail<std::runtime_error>("unroll: the kernels were compiled for the level ", name(static_cast<SimdLevel>(least)),
                           " at least (UNROLL_LEAST_LEVEL, or the compiler's flags), which this processor lacks");
#else
  std::abort();
#endif
}

#if !UNROLL_HEADER_ONLY
constinit std::atomic<SimdLevel> simd_level_setting{not_chosen_yet};
#endif

UNROLL_FUNCTION SimdLevel choose_simd_level() {
  auto best = static_cast<SimdLevel>(UNROLL_LEAST_LEVEL);
  if (!processor_has(best)) refuse_processor(UNROLL_LEAST_LEVEL);
  for (const SimdLevel level : {SimdLevel::baseline, SimdLevel::avx2, SimdLevel::avx512})
    if (level >= best && processor_has(level)) best = level;
  simd_level_setting.store(best, std::memory_order_relaxed);
  return best;
}

UNROLL_FUNCTION void set_simd_level(SimdLevel level, bool is_there) {
  require(is_there, "set_simd_level: this build on this processor has no level ", name(level), ", best is ",
          name(simd_level()));
  simd_level_setting.store(level, std::memory_order_relaxed);
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
