// The level of 64 bytes: AVX-512 with F, VL, DQ and BW, beside AVX2 and FMA.
#pragma once

#include <cstdint>

#include <unroll/core/config.hpp>
#include <unroll/kernel/level/level_of.hpp>

#if defined(UNROLL_GCC_X86)
// GCC declares the builtins of an instruction set once a target names it: this is much cheaper than <immintrin.h>.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")
#pragma GCC pop_options
#endif

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI::detail {

struct Avx512 : LevelOf<Avx512, 64, 32> {
  static constexpr bool fuses = true, usual = true;
#if UNROLL_HAS_X86_LEVELS
  static constexpr bool in_build = true;
  static bool processor_has() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx2") &&
           __builtin_cpu_supports("fma");
  }
#if defined(__clang__)
#define UNROLL_AVX512_VECTORS , min_vector_width(512)
#else
#define UNROLL_AVX512_VECTORS
#endif
  template <class Kernel, class... Args>
  __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"),
                 UNROLL_WHOLE_KERNEL UNROLL_AVX512_VECTORS)) static auto
  run(Args... args) {
    return Kernel::template run<Avx512>(args...);
  }
#undef UNROLL_AVX512_VECTORS
#endif
};
template <> struct UsualLevel<64> {
  using Type = Avx512;
};

#if defined(UNROLL_GCC_X86)
#define UNROLL_AVX512 __attribute__((target("avx512f"))) static inline void
template <> struct Instructions<Avx512, float> {
  typedef float V __attribute__((vector_size(64)));
  static constexpr unsigned short all = 0xffff;
  static unsigned short first(Index n) { return static_cast<unsigned short>((1u << n) - 1); }
  UNROLL_AVX512 fma(const V* a, const V* b, const V* c, V* r) {
    *r = __builtin_ia32_vfmaddps512_mask(*a, *b, *c, all, 4);
  }
  UNROLL_AVX512 sqrt(const V* a, V* r) { *r = __builtin_ia32_sqrtps512_mask(*a, *a, all, 4); }
  UNROLL_AVX512 smaller(const V* a, const V* b, V* r) { *r = __builtin_ia32_minps512_mask(*a, *b, *a, all, 4); }
  UNROLL_AVX512 larger(const V* a, const V* b, V* r) { *r = __builtin_ia32_maxps512_mask(*a, *b, *a, all, 4); }
  /// 16 whole numbers of 16 bits.
  UNROLL_AVX512 load_int16(const std::int16_t* from, V* r) {
    typedef short Packed __attribute__((vector_size(32), aligned(2), may_alias));
    typedef int Wide __attribute__((vector_size(64)));
    const Wide wide = __builtin_ia32_pmovsxwd512_mask(*reinterpret_cast<const Packed*>(from), Wide{}, all);
    *r = __builtin_ia32_cvtdq2ps512_mask(wide, V{}, all, 4);
  }
  UNROLL_AVX512 fill(const float* from, V* r) {
    typedef float First __attribute__((vector_size(16)));
    *r = __builtin_ia32_broadcastss512(First{*from}, V{}, all);
  }
  UNROLL_AVX512 load(const float* from, Index n, V* r) { *r = __builtin_ia32_loadups512_mask(from, V{}, first(n)); }
  UNROLL_AVX512 store(float* to, Index n, const V* a) { __builtin_ia32_storeups512_mask(to, *a, first(n)); }
};
template <> struct Instructions<Avx512, double> {
  typedef double V __attribute__((vector_size(64)));
  static constexpr unsigned char all = 0xff;
  static unsigned char first(Index n) { return static_cast<unsigned char>((1u << n) - 1); }
  UNROLL_AVX512 fma(const V* a, const V* b, const V* c, V* r) {
    *r = __builtin_ia32_vfmaddpd512_mask(*a, *b, *c, all, 4);
  }
  UNROLL_AVX512 sqrt(const V* a, V* r) { *r = __builtin_ia32_sqrtpd512_mask(*a, *a, all, 4); }
  UNROLL_AVX512 smaller(const V* a, const V* b, V* r) { *r = __builtin_ia32_minpd512_mask(*a, *b, *a, all, 4); }
  UNROLL_AVX512 larger(const V* a, const V* b, V* r) { *r = __builtin_ia32_maxpd512_mask(*a, *b, *a, all, 4); }
  UNROLL_AVX512 fill(const double* from, V* r) {
    typedef double First __attribute__((vector_size(16)));
    *r = __builtin_ia32_broadcastsd512(First{*from}, V{}, all);
  }
  UNROLL_AVX512 load(const double* from, Index n, V* r) { *r = __builtin_ia32_loadupd512_mask(from, V{}, first(n)); }
  UNROLL_AVX512 store(double* to, Index n, const V* a) { __builtin_ia32_storeupd512_mask(to, *a, first(n)); }
};
#undef UNROLL_AVX512
#endif

}  // namespace unroll::inline UNROLL_ABI::detail
UNROLL_KERNEL_END
