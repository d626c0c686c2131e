// Every macro of the library, and the namespace that keeps differently compiled copies of it apart.
#pragma once

#include <type_traits>

#include <Eigen/Core>

#include <unroll/core/version.hpp>

// One process may hold copies of our inline functions that have different bodies: two of its units are compiled with
// different flags, or two of its plug-ins with different versions. The linker takes the copies of one name for equal,
// so everything lives in an inline namespace whose name spells what changes a body or a layout: open it as `namespace
// unroll::inline UNROLL_ABI {`. Every error of the compiler repeats the name, so it is short:
//   v0_1_0_e3_4_0_b16
// - our version, Eigen's, and EIGEN_MAX_ALIGN_BYTES at the end; between them
// - the vectors that the compiler may use: b(aseline), s(SSE4.2), v(AVX), w(AVX2, wider), z(AVX-512: zmm)
// - where it is so: f(used multiply-add), m(ath is fast), n(o infinity or NaN), d(ebug: no NDEBUG), u(ser's own
//   UNROLL_ASSERT), p(lain kernels), x (no exceptions), g (_GLIBCXX_DEBUG), o(ld std::string).
// Not spelled: -ffp-contract, which no macro tells (-std=c++20 and gnu++20 contract alike in C++; copies of either kind
// are right to rounding), and EIGEN_DEFAULT_DENSE_INDEX_TYPE, which Eigen itself needs to be the same everywhere.
#if defined(__AVX512F__)
#define UNROLL_ABI_VECTORS z
#elif defined(__AVX2__)
#define UNROLL_ABI_VECTORS w
#elif defined(__AVX__)
#define UNROLL_ABI_VECTORS v
#elif defined(__SSE4_2__)
#define UNROLL_ABI_VECTORS s
#else
#define UNROLL_ABI_VECTORS b
#endif
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define UNROLL_ABI_FMA f
#else
#define UNROLL_ABI_FMA
#endif
#if defined(__FAST_MATH__)
#define UNROLL_ABI_MATH m
#elif defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#define UNROLL_ABI_MATH n
#else
#define UNROLL_ABI_MATH
#endif
#if defined(UNROLL_ASSERT)
#define UNROLL_ABI_CHECKS u
#elif defined(NDEBUG)
#define UNROLL_ABI_CHECKS
#else
#define UNROLL_ABI_CHECKS d
#endif
#if defined(UNROLL_PLAIN_KERNELS)
#define UNROLL_ABI_KERNELS p
#else
#define UNROLL_ABI_KERNELS
#endif
#if defined(__cpp_exceptions)
#define UNROLL_ABI_ERRORS
#else
#define UNROLL_ABI_ERRORS x
#endif
#if defined(_GLIBCXX_DEBUG)
#define UNROLL_ABI_LIBRARY g
#elif defined(_GLIBCXX_USE_CXX11_ABI) && !_GLIBCXX_USE_CXX11_ABI
#define UNROLL_ABI_LIBRARY o
#else
#define UNROLL_ABI_LIBRARY
#endif
#define UNROLL_JOIN_(a, b, c, d, e, f, g, h, i, j, k, l, m, n) \
  v##a##_##b##_##c##_e##d##_##e##_##f##_##g##h##i##j##k##l##m##n
#define UNROLL_JOIN(...) UNROLL_JOIN_(__VA_ARGS__)
#define UNROLL_ABI                                                                                           \
  UNROLL_JOIN(UNROLL_VERSION_MAJOR, UNROLL_VERSION_MINOR, UNROLL_VERSION_PATCH, EIGEN_WORLD_VERSION,         \
              EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION, UNROLL_ABI_VECTORS, UNROLL_ABI_FMA, UNROLL_ABI_MATH, \
              UNROLL_ABI_CHECKS, UNROLL_ABI_KERNELS, UNROLL_ABI_ERRORS, UNROLL_ABI_LIBRARY, EIGEN_MAX_ALIGN_BYTES)

// For what takes plain pointers and chooses its instructions at run time. Compiled once, for units of all flags, it
// needs a name with fewer of them; in headers it is as different as the rest (docs/architecture.md).
#define UNROLL_BOUNDARY UNROLL_ABI

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
