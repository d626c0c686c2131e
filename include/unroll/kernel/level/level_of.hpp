// What the headers of the levels beside this one share: which vectors there are, and how a kernel becomes one function.
#pragma once

#include <cstddef>

#include <unroll/core/config.hpp>
#include <unroll/kernel/lanes.hpp>

#if defined(UNROLL_PLAIN_KERNELS) || !defined(__GNUC__)
#define UNROLL_HAS_VECTORS 0
#else
#define UNROLL_HAS_VECTORS 1
#endif
#if UNROLL_HAS_VECTORS && defined(__x86_64__)
#define UNROLL_HAS_X86_LEVELS 1
#else
#define UNROLL_HAS_X86_LEVELS 0
#endif
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define UNROLL_GCC_X86
#endif

// g++ optimizes a kernel whatever the command line says, from -O1 and -Og upward: 7 and 15 times as fast as what these
// give. At -O0 no compiler puts the small functions together that a kernel is made of.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__OPTIMIZE_SIZE__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define UNROLL_OPTIMIZED , optimize("O2")
#else
#define UNROLL_OPTIMIZED
#endif
// Attributes of a level's `run`. `flatten` brings everything a kernel calls into the function that has the
// instructions. A lambda would stay outside (it does not inherit `target`), so kernels are static functions. Clang
// flattens one level only: the rest of a kernel is always_inline there, and calls into equations are marked
// UNROLL_INLINE_CALL.
#define UNROLL_WHOLE_KERNEL flatten, noinline UNROLL_OPTIMIZED

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// The level whose instructions vectors of so many bytes have that name no level; 0: a single number. The header of
/// one level of that width says so; other widths do not occur.
template <std::size_t Bytes> struct UsualLevel {
  using Type = void;
};

}  // namespace detail

template <class T, int W, class Level = typename detail::UsualLevel<W == 1 ? 0 : W * sizeof(T)>::Type> class Simd;

namespace detail {

/// What a level is a class of, and what kernels are instantiated with: the bytes of its vectors (0: single numbers) and
/// how many of them the processor has registers for. A level adds
///   fuses            does a*b + c round once?
///   usual            what processors of the family have: what takes long to compile is compiled for these alone
/// and where the build has it
///   in_build = true
///   processor_has()
///   run<Kernel>(args...)   Kernel::run<Level>(args...) as a function that has the instructions
template <class Level, int Bytes, int Registers> struct LevelOf {
  static constexpr int bytes = Bytes, registers = Registers;
  template <class T> static constexpr int width = Bytes == 0 ? 1 : Bytes / static_cast<int>(sizeof(T));
  template <class T> using Vector = Simd<T, width<T>, Level>;
  static constexpr bool in_build = false;
  static bool processor_has() { return false; }
  template <class Kernel, class... Args> static void run(Args... args);  // nobody's: named, but never called
};

/// The few operations on a level's vectors that the vector extensions do not express, or that GCC takes apart before it
/// knows the instructions. A level has those of
///   fma, sqrt, smaller, larger, fill (one number in memory to all lanes)
///   load, store (the first n lanes)
///   load_int16 (as many whole numbers of 16 bits, of float)
/// that it gains from; `Simd` composes the others. Each is a function that has its instructions, takes vectors by
/// pointer, and is inlined where the caller has them too; where a caller was itself not inlined into a kernel it is a
/// call, slow and correct.
template <class Level, class T> struct Instructions {};

/// The compiler's flags let all functions fuse.
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
inline constexpr bool flags_fuse = true;
#else
inline constexpr bool flags_fuse = false;
#endif

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
