// Every macro of the library, and the namespace that keeps differently compiled copies of it apart.
#pragma once

#include <cstddef>
#include <type_traits>

// Eigen's version alone: what needs no matrix does not wait for them.
#if __has_include(<Eigen/Version>)
#include <Eigen/Version>
#else
#include <Eigen/src/Core/util/Macros.h>
#endif

#include <unroll/core/version.hpp>

// All of the library is in headers. With UNROLL_COMPILED, which CMake's target unroll::compiled defines, headers only
// declare what needs no type of the user's, and what the built-in cells and layers make of float and double; the bodies
// are in a library. A function that is not a template is declared with UNROLL_API in its header and defined as
// UNROLL_FUNCTION in the .ipp beside it, which the header includes at its end where UNROLL_HEADER_ONLY, and one unit of
// src/ otherwise. A function template that the library has instances of asserts its constraints instead of having them
// in its head: compilers do not agree on whether they are part of its name.
#if defined(UNROLL_COMPILED)
#define UNROLL_HEADER_ONLY 0
#define UNROLL_FUNCTION
#else
#define UNROLL_HEADER_ONLY 1
#define UNROLL_FUNCTION inline
#endif
#if !defined(UNROLL_COMPILED) || defined(UNROLL_STATIC)
#define UNROLL_API
#elif defined(_WIN32) && defined(UNROLL_COMPILING)
#define UNROLL_API __declspec(dllexport)
#elif defined(_WIN32)
#define UNROLL_API __declspec(dllimport)
#else
#define UNROLL_API __attribute__((visibility("default")))
#endif

// The least of the levels that kernels are compiled for (kernel/levels.hpp): 0 plain, 1 baseline, 2 AVX2, 3 AVX-512.
// What the flags guarantee, unless defined: -DUNROLL_LEAST_LEVEL=2 compiles faster, for processors with AVX2 alone.
// UNROLL_BEST_LEVEL, where it is defined, is the last of them: with both, -DUNROLL_BEST_LEVEL=2, kernels of one level.
#if defined(UNROLL_LEAST_LEVEL)
#elif defined(UNROLL_PLAIN_KERNELS) || !defined(__x86_64__)
#define UNROLL_LEAST_LEVEL 0
#elif defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && \
    defined(__FMA__)
#define UNROLL_LEAST_LEVEL 3
#elif defined(__AVX2__) && defined(__FMA__)
#define UNROLL_LEAST_LEVEL 2
#elif defined(__GNUC__)
#define UNROLL_LEAST_LEVEL 1
#else
#define UNROLL_LEAST_LEVEL 0
#endif

// One process may hold copies of our inline functions that have different bodies: two of its units are compiled with
// different flags, or two of its plug-ins with different versions. The linker takes the copies of one name for equal,
// so everything lives in an inline namespace whose name spells what changes a body or a layout: open it as `namespace
// unroll::inline UNROLL_ABI {`. Every error of the compiler repeats the name, so it is short:
//   v0_1_0_e3_4_0_b0
// - our version, Eigen's
// - the vectors that the compiler may use: b(aseline), s(SSE4.2), v(AVX), w(AVX2, wider), z(AVX-512: zmm), and
//   UNROLL_LEAST_LEVEL, and UNROLL_BEST_LEVEL where it is defined
// - where it is so: f(used multiply-add), m(ath is fast), n(o infinity or NaN), d(ebug: no NDEBUG), u(ser's own
//   UNROLL_ASSERT), p(lain kernels), x (no exceptions), g (_GLIBCXX_DEBUG), o(ld std::string).
// Not spelled: -ffp-contract, which no macro tells (-std=c++20 and gnu++20 contract alike in C++; copies of either kind
// are right to rounding), EIGEN_DEFAULT_DENSE_INDEX_TYPE and EIGEN_MAX_ALIGN_BYTES, which Eigen itself needs to be the
// same everywhere: its default follows the vectors.
// A compiled part serves programs of all flags, so its name has c(ompiled) and only what changes a layout: the best
// level, p, x, g, o.
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
#if defined(UNROLL_BEST_LEVEL)
#define UNROLL_ABI_BEST UNROLL_BEST_LEVEL
#else
#define UNROLL_ABI_BEST
#endif
#define UNROLL_JOIN_(a, b, c, d, e, f, g, h, i) v##a##_##b##_##c##_e##d##_##e##_##f##_##g##h##i
#define UNROLL_JOIN(...) UNROLL_JOIN_(__VA_ARGS__)
#define UNROLL_FLAGS_(a, b, c, d, e, f, g) a##b##c##d##e##f##g
#define UNROLL_FLAGS(...) UNROLL_FLAGS_(__VA_ARGS__)
#if UNROLL_HEADER_ONLY
#define UNROLL_ABI_FLAGS                                                                                 \
  UNROLL_FLAGS(UNROLL_ABI_VECTORS, UNROLL_LEAST_LEVEL, UNROLL_ABI_BEST, UNROLL_ABI_FMA, UNROLL_ABI_MATH, \
               UNROLL_ABI_CHECKS, UNROLL_ABI_KERNELS)
#else
#define UNROLL_ABI_FLAGS UNROLL_FLAGS(c, UNROLL_ABI_BEST, UNROLL_ABI_KERNELS, , , , )
#endif
#define UNROLL_ABI                                                                                   \
  UNROLL_JOIN(UNROLL_VERSION_MAJOR, UNROLL_VERSION_MINOR, UNROLL_VERSION_PATCH, EIGEN_WORLD_VERSION, \
              EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION, UNROLL_ABI_FLAGS, UNROLL_ABI_ERRORS, UNROLL_ABI_LIBRARY)

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
#if defined(__GNUC__)
#define UNROLL_NOINLINE __attribute__((noinline))
#else
#define UNROLL_NOINLINE
#endif

namespace unroll::inline UNROLL_ABI {

/// Eigen's.
#if defined(EIGEN_DEFAULT_DENSE_INDEX_TYPE)
using Index = EIGEN_DEFAULT_DENSE_INDEX_TYPE;
#else
using Index = std::ptrdiff_t;
#endif

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
