// Every macro of the library, and the namespace that keeps differently compiled copies of it apart.
#pragma once

#include <type_traits>

#include <Eigen/Core>

#include <unroll/core/version.hpp>

// Two translation units of one program may be compiled with different flags. Their copies of our inline functions have
// different bodies, so they must have different names: everything lives in an inline namespace that spells what changes
// a body or a layout. Open it as `namespace unroll::inline UNROLL_ABI {`. Not spelled: -ffp-contract, which no macro
// tells (-std=c++20 and gnu++20 contract alike in C++); copies of either kind are right to rounding.
#if defined(__AVX512F__)
#define UNROLL_ABI_ISA avx512
#elif defined(__AVX2__)
#define UNROLL_ABI_ISA avx2
#elif defined(__AVX__)
#define UNROLL_ABI_ISA avx
#elif defined(__SSE4_2__)
#define UNROLL_ABI_ISA sse4
#else
#define UNROLL_ABI_ISA base
#endif
#if defined(__FMA__)
#define UNROLL_ABI_FMA fma
#else
#define UNROLL_ABI_FMA nofma
#endif
#if defined(__FAST_MATH__)
#define UNROLL_ABI_MATH fast
#else
#define UNROLL_ABI_MATH ieee
#endif
#if defined(NDEBUG)
#define UNROLL_ABI_CHECKS ndebug
#else
#define UNROLL_ABI_CHECKS debug
#endif
#if defined(UNROLL_PLAIN_KERNELS)
#define UNROLL_ABI_KERNELS plain
#else
#define UNROLL_ABI_KERNELS simd
#endif
#if defined(__cpp_exceptions)
#define UNROLL_ABI_ERRORS throws
#else
#define UNROLL_ABI_ERRORS nothrow
#endif
#define UNROLL_ABI_JOIN_(isa, fma, math, checks, kernels, errors, align) \
  abi_##isa##_##fma##_##math##_##checks##_##kernels##_##errors##_##align
#define UNROLL_ABI_JOIN(isa, fma, math, checks, kernels, errors, align) \
  UNROLL_ABI_JOIN_(isa, fma, math, checks, kernels, errors, align)
#define UNROLL_ABI                                                                                        \
  UNROLL_ABI_JOIN(UNROLL_ABI_ISA, UNROLL_ABI_FMA, UNROLL_ABI_MATH, UNROLL_ABI_CHECKS, UNROLL_ABI_KERNELS, \
                  UNROLL_ABI_ERRORS, EIGEN_MAX_ALIGN_BYTES)

// For inner loops; off with NDEBUG; define it yourself to report elsewhere.
#if !defined(UNROLL_ASSERT)
#if defined(NDEBUG)
#define UNROLL_ASSERT(condition, message) static_cast<void>(0)
#else
#include <cassert>
#define UNROLL_ASSERT(condition, message) assert((condition) && (message))
#endif
#endif

// Kernels are made of many small functions that must become one. Under GCC's sanitizers the checks inside them would
// more than double the time to compile; what leaves its array is still found where kernels meet their callers.
#if defined(__GNUC__) && !defined(__clang__)
#define UNROLL_INLINE inline __attribute__((always_inline, no_sanitize("address"), no_sanitize("undefined")))
#elif defined(__GNUC__)
#define UNROLL_INLINE inline __attribute__((always_inline))
#else
#define UNROLL_INLINE inline
#endif

namespace unroll::inline UNROLL_ABI {

using Index = Eigen::Index;

namespace detail {
/// x as a To, where one platform needs a cast that another calls useless.
template <class To, class From> constexpr To as(const From& x) {
  if constexpr (std::is_same_v<To, From>)
    return x;
  else
    return static_cast<To>(x);
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
