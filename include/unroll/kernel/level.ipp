// Bodies of kernel/level.hpp.
#pragma once

#include <cstdlib>
#include <stdexcept>

#include <unroll/core/error.hpp>
#include <unroll/kernel/level.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION bool processor_has(SimdLevel level) {
  switch (level) {
#define UNROLL_LEVEL(number, name, Level) \
  case SimdLevel::name:                   \
    return Level::processor_has();
    UNROLL_LEVELS(UNROLL_LEVEL)
#undef UNROLL_LEVEL
  }
  return false;
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
  SimdLevel best = least_level;
  if (!processor_has(best)) refuse_processor(UNROLL_LEAST_LEVEL);
  for (const SimdLevel level : simd_levels)
    if (has_simd_level(level)) best = level;
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
