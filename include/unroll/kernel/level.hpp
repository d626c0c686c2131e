// Which instructions the kernels use. Each kernel is compiled for every level of the processor family, whatever the
// compiler flags, and the level is chosen once at run time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <iterator>
#include <string_view>

#include <unroll/core/config.hpp>
#include <unroll/kernel/levels.hpp>
#include <unroll/kernel/simd.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {

/// `plain` is the reference: loops over single numbers, any compiler. `baseline` is 16-byte vectors (SSE2, NEON). Those
/// before UNROLL_LEAST_LEVEL in the list are not there, nor those behind UNROLL_BEST_LEVEL.
enum class SimdLevel {
#define UNROLL_LEVEL(number, name, Level) name = number,
  UNROLL_LEVELS(UNROLL_LEVEL)
#undef UNROLL_LEVEL
};

namespace detail {

struct LevelFacts {
  SimdLevel level;
  std::string_view name;
  bool in_build;
  int bytes;
};
/// The list as data.
inline constexpr LevelFacts levels[] = {
#define UNROLL_LEVEL(number, name, Level) {SimdLevel::name, #name, Level::in_build, Level::bytes},
    UNROLL_LEVELS(UNROLL_LEVEL)
#undef UNROLL_LEVEL
};
/// The level's place in the list; behind the last where there is no such level.
constexpr std::size_t place_of(SimdLevel level) {
  std::size_t k = 0;
  while (k < std::size(levels) && levels[k].level != level) ++k;
  return k;
}

inline constexpr SimdLevel least_level{UNROLL_LEAST_LEVEL};
#if defined(UNROLL_BEST_LEVEL)
inline constexpr std::size_t best_place = place_of(SimdLevel{UNROLL_BEST_LEVEL});
#else
inline constexpr std::size_t best_place = std::size(levels) - 1;
#endif
#define UNROLL_LEVEL(number, name, Level) " " #number " (" #name ")"
static_assert(place_of(least_level) < std::size(levels),
              "unroll: UNROLL_LEAST_LEVEL is one of" UNROLL_LEVELS(UNROLL_LEVEL));
static_assert(best_place < std::size(levels), "unroll: UNROLL_BEST_LEVEL is one of" UNROLL_LEVELS(UNROLL_LEVEL));
static_assert(place_of(least_level) <= best_place,
              "unroll: the level UNROLL_BEST_LEVEL is before UNROLL_LEAST_LEVEL, or the one that the flags guarantee");
#undef UNROLL_LEVEL
static_assert(UNROLL_HAS_VECTORS || UNROLL_LEAST_LEVEL <= 0,
              "unroll: this build has the plain kernels alone: UNROLL_LEAST_LEVEL is 0");

/// Are kernels compiled for this level?
constexpr bool is_compiled(SimdLevel level) {
  const std::size_t k = place_of(level);
  return k >= place_of(least_level) && k <= best_place && levels[k].in_build;
}
static_assert(!UNROLL_HAS_VECTORS || place_of(least_level) == std::size(levels) || is_compiled(least_level),
              "unroll: this processor family does not have the level UNROLL_LEAST_LEVEL");

/// Numbers in the widest vector of the build.
template <class T> constexpr Index widest_vector() {
  int bytes = sizeof(T);
  for (std::size_t k = 0; k <= best_place; ++k)
    if (levels[k].in_build && levels[k].bytes > bytes) bytes = levels[k].bytes;
  return bytes / static_cast<Index>(sizeof(T));
}

}  // namespace detail

constexpr std::string_view name(SimdLevel level) {
  const std::size_t k = detail::place_of(level);
  return k < std::size(detail::levels) ? detail::levels[k].name : "unknown";
}

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
inline bool has_simd_level(SimdLevel level) { return detail::is_compiled(level) && detail::processor_has(level); }

/// All levels, the best last: `has_simd_level` says which are there.
inline constexpr std::array simd_levels = {
#define UNROLL_LEVEL(number, name, Level) SimdLevel::name,
    UNROLL_LEVELS(UNROLL_LEVEL)
#undef UNROLL_LEVEL
};

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

/// The processor has none of the levels from `least` on, which are those that were compiled.
[[noreturn]] UNROLL_API void refuse_processor(int least);

/// Calls Kernel::run<Level>(args...), a static function template, compiled for the level in use. Arguments go by value:
/// pointers, sizes, views and structs of these.
template <class Kernel, class... Args> auto dispatch(Args... args) {
  switch (simd_level()) {
#define UNROLL_LEVEL(number, name, Level)                                                             \
  case SimdLevel::name:                                                                               \
    if constexpr (is_compiled(SimdLevel::name)) return Level::template run<Kernel, Args...>(args...); \
    break;
    UNROLL_LEVELS(UNROLL_LEVEL)
#undef UNROLL_LEVEL
  }
  refuse_processor(UNROLL_LEAST_LEVEL);
}

/// The same from inside a kernel, where the level is known: a call, not inlined.
template <class Level, class Kernel, class... Args> UNROLL_INLINE auto call(Args... args) {
  return Level::template run<Kernel, Args...>(args...);
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
