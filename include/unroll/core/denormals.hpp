// Denormal numbers make additions a hundred times slower on many processors, and decaying gradients are full of them.
#pragma once

#include <cstdint>

#include <unroll/core/config.hpp>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace unroll::inline UNROLL_ABI {

/// This thread's floating-point control register; 0 where we do not know one.
inline std::uint64_t floating_point_mode() {
#if defined(__SSE2__)
  return _mm_getcsr();
#elif defined(__aarch64__)
  std::uint64_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
#elif defined(__arm__) && defined(__ARM_FP)
  std::uint32_t mode;
  __asm__ volatile("vmrs %0, fpscr" : "=r"(mode));
  return mode;
#else
  return 0;
#endif
}
inline void set_floating_point_mode([[maybe_unused]] std::uint64_t mode) {
#if defined(__SSE2__)
  _mm_setcsr(static_cast<unsigned>(mode));
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(mode));
#elif defined(__arm__) && defined(__ARM_FP)
  __asm__ volatile("vmsr fpscr, %0" : : "r"(static_cast<std::uint32_t>(mode)));
#endif
}

/// Denormal inputs and results count as zero on this thread while it lives; the mode before comes back after.
class FlushDenormals {
 public:
  explicit FlushDenormals(bool on = true) : before_(floating_point_mode()) {
#if defined(__SSE2__)
    if (on) set_floating_point_mode(before_ | 0x8040);  // flush to zero, denormals are zero
#elif defined(__aarch64__) || (defined(__arm__) && defined(__ARM_FP))
    if (on) set_floating_point_mode(before_ | (std::uint64_t{1} << 24));
#else
    static_cast<void>(on);
#endif
  }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;
  ~FlushDenormals() { set_floating_point_mode(before_); }

 private:
  std::uint64_t before_;
};

}  // namespace unroll::inline UNROLL_ABI
