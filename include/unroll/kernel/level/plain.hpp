// The level of single numbers, for any compiler: the reference, with which the tests compare the others.
#pragma once

#include <unroll/core/config.hpp>
#include <unroll/kernel/level/level_of.hpp>

namespace unroll::inline UNROLL_ABI::detail {

struct Plain : LevelOf<Plain, 0, 16> {
  static constexpr bool fuses = flags_fuse, usual = !UNROLL_HAS_VECTORS, in_build = true;
  static bool processor_has() { return true; }
  template <class Kernel, class... Args> static UNROLL_INLINE auto run(Args... args) {
    return Kernel::template run<Plain>(args...);
  }
};
template <> struct UsualLevel<0> {
  using Type = Plain;
};
template <class T> struct Instructions<Plain, T> {
  static UNROLL_INLINE void load(const T* from, Index n, T* r) { *r = n > 0 ? *from : T(0); }
  static UNROLL_INLINE void store(T* to, Index n, const T* a) {
    if (n > 0) *to = *a;
  }
};

}  // namespace unroll::inline UNROLL_ABI::detail
