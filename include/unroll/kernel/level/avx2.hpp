// The level of 32 bytes: AVX2 and FMA.
#pragma once

#include <cstdint>

#include <unroll/core/config.hpp>
#include <unroll/kernel/level/level_of.hpp>

#if defined(UNROLL_GCC_X86)
// GCC declares the builtins of an instruction set once a target names it: this is much cheaper than <immintrin.h>.
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#pragma GCC pop_options
#endif

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI::detail {

struct Avx2 : LevelOf<Avx2, 32, 16> {
  static constexpr bool fuses = true, usual = true;
#if UNROLL_HAS_X86_LEVELS
  static constexpr bool in_build = true;
  static bool processor_has() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
  template <class Kernel, class... Args>
  __attribute__((target("avx2,fma"), UNROLL_WHOLE_KERNEL)) static auto run(Args... args) {
    return Kernel::template run<Avx2>(args...);
  }
#endif
};
template <> struct UsualLevel<32> {
  using Type = Avx2;
};

#if defined(UNROLL_GCC_X86)
#define UNROLL_AVX2 __attribute__((target("avx2,fma"))) static inline void
template <> struct Instructions<Avx2, float> {
  typedef float V __attribute__((vector_size(32)));
  typedef int M __attribute__((vector_size(32)));
  UNROLL_AVX2 fma(const V* a, const V* b, const V* c, V* r) { *r = __builtin_ia32_vfmaddps256(*a, *b, *c); }
  UNROLL_AVX2 sqrt(const V* a, V* r) { *r = __builtin_ia32_sqrtps256(*a); }
  UNROLL_AVX2 smaller(const V* a, const V* b, V* r) { *r = __builtin_ia32_minps256(*a, *b); }
  UNROLL_AVX2 larger(const V* a, const V* b, V* r) { *r = __builtin_ia32_maxps256(*a, *b); }
  UNROLL_AVX2 load_int16(const std::int16_t* from, V* r) {
    typedef short Packed __attribute__((vector_size(16), aligned(2), may_alias));
    typedef int Wide __attribute__((vector_size(32)));
    const Wide wide = __builtin_ia32_pmovsxwd256(*reinterpret_cast<const Packed*>(from));
    *r = __builtin_ia32_cvtdq2ps256(wide);
  }
  UNROLL_AVX2 fill(const float* from, V* r) { *r = __builtin_ia32_vbroadcastss256(from); }
  UNROLL_AVX2 load(const float* from, Index n, V* r) {
    const M mask = M{0, 1, 2, 3, 4, 5, 6, 7} < static_cast<int>(n);
    *r = __builtin_ia32_maskloadps256(reinterpret_cast<const V*>(from), mask);
  }
  UNROLL_AVX2 store(float* to, Index n, const V* a) {
    const M mask = M{0, 1, 2, 3, 4, 5, 6, 7} < static_cast<int>(n);
    __builtin_ia32_maskstoreps256(reinterpret_cast<V*>(to), mask, *a);
  }
};
template <> struct Instructions<Avx2, double> {
  typedef double V __attribute__((vector_size(32)));
  typedef long long M __attribute__((vector_size(32)));
  UNROLL_AVX2 fma(const V* a, const V* b, const V* c, V* r) { *r = __builtin_ia32_vfmaddpd256(*a, *b, *c); }
  UNROLL_AVX2 sqrt(const V* a, V* r) { *r = __builtin_ia32_sqrtpd256(*a); }
  UNROLL_AVX2 smaller(const V* a, const V* b, V* r) { *r = __builtin_ia32_minpd256(*a, *b); }
  UNROLL_AVX2 larger(const V* a, const V* b, V* r) { *r = __builtin_ia32_maxpd256(*a, *b); }
  UNROLL_AVX2 fill(const double* from, V* r) { *r = __builtin_ia32_vbroadcastsd256(from); }
  UNROLL_AVX2 load(const double* from, Index n, V* r) {
    const M mask = M{0, 1, 2, 3} < static_cast<long long>(n);
    *r = __builtin_ia32_maskloadpd256(reinterpret_cast<const V*>(from), mask);
  }
  UNROLL_AVX2 store(double* to, Index n, const V* a) {
    const M mask = M{0, 1, 2, 3} < static_cast<long long>(n);
    __builtin_ia32_maskstorepd256(reinterpret_cast<V*>(to), mask, *a);
  }
};
#undef UNROLL_AVX2
#endif

}  // namespace unroll::inline UNROLL_ABI::detail
UNROLL_KERNEL_END
