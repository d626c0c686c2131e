// The few operations that GCC's vector extensions do not express, for x86, or that it takes apart before it knows the
// instructions: fused multiply-add, square root, the smaller and the larger, one number into all lanes, and the first n
// lanes from and to memory. Each is a function that has its instructions, takes vectors by pointer, and is
// inlined where the caller has them too; where a caller was itself not inlined into a kernel it is a call, slow and
// correct.
#pragma once

#include <cstdint>

#include <unroll/core/config.hpp>

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define UNROLL_GCC_X86
// GCC declares the builtins of an instruction set once a target names it; this is much cheaper than <immintrin.h>.
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512vl,avx512dq,avx512bw")
#pragma GCC pop_options

namespace unroll::inline UNROLL_ABI {
namespace detail {

// The builtins take their masks as signed numbers.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"

template <class T, int W> struct Instructions {
  static constexpr bool has_masks = false;
};

#define UNROLL_AVX512 __attribute__((target("avx512f"))) static inline void
template <> struct Instructions<float, 16> {
  typedef float V __attribute__((vector_size(64)));
  static constexpr bool has_masks = true;
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
template <> struct Instructions<double, 8> {
  typedef double V __attribute__((vector_size(64)));
  static constexpr bool has_masks = true;
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

#define UNROLL_AVX2 __attribute__((target("avx2,fma"))) static inline void
template <> struct Instructions<float, 8> {
  typedef float V __attribute__((vector_size(32)));
  typedef int M __attribute__((vector_size(32)));
  static constexpr bool has_masks = true;
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
template <> struct Instructions<double, 4> {
  typedef double V __attribute__((vector_size(32)));
  typedef long long M __attribute__((vector_size(32)));
  static constexpr bool has_masks = true;
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

#define UNROLL_SSE UNROLL_INLINE static void
template <> struct Instructions<float, 4> {
  typedef float V __attribute__((vector_size(16)));
  static constexpr bool has_masks = false;
#if defined(__FMA__)
  UNROLL_SSE fma(const V* a, const V* b, const V* c, V* r) { *r = __builtin_ia32_vfmaddps(*a, *b, *c); }
#endif
  UNROLL_SSE sqrt(const V* a, V* r) { *r = __builtin_ia32_sqrtps(*a); }
  UNROLL_SSE smaller(const V* a, const V* b, V* r) { *r = __builtin_ia32_minps(*a, *b); }
  UNROLL_SSE larger(const V* a, const V* b, V* r) { *r = __builtin_ia32_maxps(*a, *b); }
  UNROLL_SSE fill(const float* from, V* r) { *r = V{*from, *from, *from, *from}; }
};
template <> struct Instructions<double, 2> {
  typedef double V __attribute__((vector_size(16)));
  static constexpr bool has_masks = false;
#if defined(__FMA__)
  UNROLL_SSE fma(const V* a, const V* b, const V* c, V* r) { *r = __builtin_ia32_vfmaddpd(*a, *b, *c); }
#endif
  UNROLL_SSE sqrt(const V* a, V* r) { *r = __builtin_ia32_sqrtpd(*a); }
  UNROLL_SSE smaller(const V* a, const V* b, V* r) { *r = __builtin_ia32_minpd(*a, *b); }
  UNROLL_SSE larger(const V* a, const V* b, V* r) { *r = __builtin_ia32_maxpd(*a, *b); }
  UNROLL_SSE fill(const double* from, V* r) { *r = V{*from, *from}; }
};
#undef UNROLL_SSE
#pragma GCC diagnostic pop

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
#endif
