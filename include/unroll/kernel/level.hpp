// Which instructions the kernels use. Each kernel is compiled for every level of the processor family, whatever the
// compiler flags, and the level is chosen once at run time.
#pragma once

#include <atomic>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <type_traits>
#include <utility>

#include <unroll/core/config.hpp>
#include <unroll/kernel/simd.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {

/// `plain` is the reference: loops over single numbers, any compiler. `baseline` is 16-byte vectors (SSE2, NEON). Those
/// below UNROLL_LEAST_LEVEL are not there.
enum class SimdLevel { plain, baseline, avx2, avx512 };

constexpr std::string_view name(SimdLevel level) {
  constexpr std::string_view names[] = {"plain", "baseline", "avx2", "avx512"};
  const auto k = static_cast<std::size_t>(level);
  return k < std::size(names) ? names[k] : "unknown";
}

#if UNROLL_LEAST_LEVEL < 0 || UNROLL_LEAST_LEVEL > 3
#error "unroll: UNROLL_LEAST_LEVEL is 0 (plain), 1 (baseline), 2 (AVX2) or 3 (AVX-512)"
#elif UNROLL_LEAST_LEVEL > 0 && (defined(UNROLL_PLAIN_KERNELS) || !defined(__GNUC__))
#error "unroll: this build has the plain kernels alone: UNROLL_LEAST_LEVEL is 0"
#elif UNROLL_LEAST_LEVEL > 1 && !defined(__x86_64__)
#error "unroll: this processor family has the levels 0 and 1: UNROLL_LEAST_LEVEL"
#endif
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

// g++ optimizes a kernel whatever the command line says, from -O1 and -Og upward: 7 and 15 times as fast as what these
// give. At -O0 no compiler puts the small functions together that a kernel is made of.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__OPTIMIZE_SIZE__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define UNROLL_OPTIMIZED , optimize("O2")
#else
#define UNROLL_OPTIMIZED
#endif
#if defined(__GNUC__) && !defined(__OPTIMIZE__) && !defined(UNROLL_UNOPTIMIZED)
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic warning "-W#pragma-messages"
#endif
#pragma message(                                                                           \
    "unroll: compiled without optimization, which is 50 to 100 times slower: say -O2, or " \
    "-DCMAKE_BUILD_TYPE=Release to CMake; -DUNROLL_UNOPTIMIZED where it is meant so")
#if defined(__clang__)
#pragma clang diagnostic pop
#endif
#endif

namespace detail {
UNROLL_API bool processor_has(SimdLevel level);
UNROLL_API void set_simd_level(SimdLevel level, bool is_there);
}  // namespace detail

/// Can this build use `level` on this processor?
inline bool has_simd_level(SimdLevel level) {
  return static_cast<int>(level) >= UNROLL_LEAST_LEVEL && detail::processor_has(level);
}

namespace detail {
// Known to the loader, not made at first use: nothing waits for it, in the thread of an audio callback neither.
inline constexpr auto not_chosen_yet = static_cast<SimdLevel>(-1);
#if UNROLL_HEADER_ONLY
inline constinit std::atomic<SimdLevel> simd_level_setting{not_chosen_yet};
#else
extern UNROLL_API constinit std::atomic<SimdLevel> simd_level_setting;
#endif
UNROLL_API SimdLevel choose_simd_level();
}  // namespace detail

/// The level in use: the best of this processor, unless set otherwise.
inline SimdLevel simd_level() {
  const SimdLevel level = detail::simd_level_setting.load(std::memory_order_relaxed);
  return level != detail::not_chosen_yet ? level : detail::choose_simd_level();
}

/// For tests and measurements. Throws std::invalid_argument where build or processor lack the level. Results of avx2
/// and avx512 are equal to the bit, those of other levels are close. Not while kernels run in other threads.
inline void set_simd_level(SimdLevel level) { detail::set_simd_level(level, has_simd_level(level)); }

namespace detail {

/// What a kernel is instantiated with: the vector width in bytes and the number of vector registers.
template <int Bytes, int Registers> struct Isa {
  static constexpr int registers = Registers;
  template <class T> static constexpr int width = Bytes == 0 ? 1 : Bytes / static_cast<int>(sizeof(T));
  template <class T> using Vector = Simd<T, width<T>>;
};
using Plain = Isa<0, 16>;
#if defined(__aarch64__)
using Baseline = Isa<16, 32>;
#else
using Baseline = Isa<16, 16>;
#endif
using Avx2 = Isa<32, 16>;
using Avx512 = Isa<64, 32>;

#if UNROLL_HAS_X86_LEVELS
// `flatten` brings everything a kernel calls into the function that has the instructions. A lambda would stay outside
// (it does not inherit `target`), so kernels are static functions. Clang flattens one level only: the rest of a kernel
// is always_inline there, and calls into equations are marked UNROLL_INLINE_CALL.
template <class Kernel, class... Args>
__attribute__((target("avx2,fma"), flatten, noinline UNROLL_OPTIMIZED)) auto run_avx2(Args... args) {
  return Kernel::template run<Avx2>(args...);
}
template <class Kernel, class... Args>
__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"), flatten, noinline UNROLL_OPTIMIZED
#if defined(__clang__)
               ,
               min_vector_width(512)
#endif
                   )) auto
run_avx512(Args... args) {
  return Kernel::template run<Avx512>(args...);
}
#endif
#if UNROLL_HAS_VECTORS
template <class Kernel, class... Args>
__attribute__((flatten, noinline UNROLL_OPTIMIZED)) auto run_baseline(Args... args) {
  return Kernel::template run<Baseline>(args...);
}
#endif

/// The processor has none of the levels from `least` on, which are those that were compiled.
[[noreturn]] UNROLL_API void refuse_processor(int least);

/// Calls Kernel::run<Isa>(args...), a static function template, compiled for the level in use. Arguments go by value:
/// pointers, sizes, views and structs of these.
template <class Kernel, class... Args> auto dispatch(Args... args) {
  switch (simd_level()) {
#if UNROLL_HAS_X86_LEVELS
    case SimdLevel::avx512:
      return run_avx512<Kernel, Args...>(args...);
#if UNROLL_LEAST_LEVEL <= 2
    case SimdLevel::avx2:
      return run_avx2<Kernel, Args...>(args...);
#endif
#endif
#if UNROLL_HAS_VECTORS && UNROLL_LEAST_LEVEL <= 1
    case SimdLevel::baseline:
      return run_baseline<Kernel, Args...>(args...);
#endif
#if UNROLL_LEAST_LEVEL <= 0
    case SimdLevel::plain:
      return Kernel::template run<Plain>(args...);
#endif
    default:
      refuse_processor(UNROLL_LEAST_LEVEL);
  }
}

/// The same from inside a kernel, where the level is known: a call, not inlined.
template <class Isa, class Kernel, class... Args> UNROLL_INLINE auto call(Args... args) {
#if UNROLL_HAS_VECTORS
#if UNROLL_HAS_X86_LEVELS
  if constexpr (std::is_same_v<Isa, Avx512>) return run_avx512<Kernel, Args...>(args...);
  if constexpr (std::is_same_v<Isa, Avx2>) return run_avx2<Kernel, Args...>(args...);
#endif
  if constexpr (std::is_same_v<Isa, Baseline>) return run_baseline<Kernel, Args...>(args...);
#endif
  if constexpr (std::is_same_v<Isa, Plain>) return Kernel::template run<Plain>(args...);
}

}  // namespace detail

#if defined(__clang__) && __clang_major__ >= 17  // clang 16 crashes on it
#define UNROLL_INLINE_CALL [[clang::always_inline]]
#else
#define UNROLL_INLINE_CALL
#endif
#define UNROLL_INLINED UNROLL_INLINE_CALL  // its name before 0.2

}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END

#if UNROLL_HEADER_ONLY
#include <unroll/kernel/level.ipp>
#endif
