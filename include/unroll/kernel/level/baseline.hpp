// The level of 16 bytes, which every processor of the family has: SSE2, NEON.
#pragma once

#include <unroll/core/config.hpp>
#include <unroll/kernel/level/level_of.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI::detail {

#if defined(__aarch64__)
inline constexpr int baseline_registers = 32;
#else
inline constexpr int baseline_registers = 16;
#endif

struct Baseline : LevelOf<Baseline, 16, baseline_registers> {
  static constexpr bool fuses = flags_fuse, usual = !UNROLL_HAS_X86_LEVELS;
#if UNROLL_HAS_VECTORS
  static constexpr bool in_build = true;
  static bool processor_has() { return true; }
  template <class Kernel, class... Args> __attribute__((UNROLL_WHOLE_KERNEL)) static auto run(Args... args) {
    return Kernel::template run<Baseline>(args...);
  }
#endif
};
template <> struct UsualLevel<16> {
  using Type = Baseline;
};

#if defined(UNROLL_GCC_X86)
#define UNROLL_SSE UNROLL_INLINE static void
template <> struct Instructions<Baseline, float> {
  typedef float V __attribute__((vector_size(16)));
#if defined(__FMA__)
  UNROLL_SSE fma(const V* a, const V* b, const V* c, V* r) { *r = __builtin_ia32_vfmaddps(*a, *b, *c); }
#endif
  UNROLL_SSE sqrt(const V* a, V* r) { *r = __builtin_ia32_sqrtps(*a); }
  UNROLL_SSE smaller(const V* a, const V* b, V* r) { *r = __builtin_ia32_minps(*a, *b); }
  UNROLL_SSE larger(const V* a, const V* b, V* r) { *r = __builtin_ia32_maxps(*a, *b); }
  UNROLL_SSE fill(const float* from, V* r) { *r = V{*from, *from, *from, *from}; }
};
template <> struct Instructions<Baseline, double> {
  typedef double V __attribute__((vector_size(16)));
#if defined(__FMA__)
  UNROLL_SSE fma(const V* a, const V* b, const V* c, V* r) { *r = __builtin_ia32_vfmaddpd(*a, *b, *c); }
#endif
  UNROLL_SSE sqrt(const V* a, V* r) { *r = __builtin_ia32_sqrtpd(*a); }
  UNROLL_SSE smaller(const V* a, const V* b, V* r) { *r = __builtin_ia32_minpd(*a, *b); }
  UNROLL_SSE larger(const V* a, const V* b, V* r) { *r = __builtin_ia32_maxpd(*a, *b); }
  UNROLL_SSE fill(const double* from, V* r) { *r = V{*from, *from}; }
};
#undef UNROLL_SSE
#endif

}  // namespace unroll::inline UNROLL_ABI::detail
UNROLL_KERNEL_END
