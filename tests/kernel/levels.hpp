// What the tests of kernels share: every level this machine has, and the level put back afterwards.
#pragma once

#include <unroll/kernel/level.hpp>

struct ScopedLevel {
  unroll::SimdLevel before = unroll::simd_level();
  explicit ScopedLevel(unroll::SimdLevel level) { unroll::set_simd_level(level); }
  ScopedLevel(const ScopedLevel&) = delete;
  ~ScopedLevel() { unroll::set_simd_level(before); }
};

template <class F> void for_each_level(F&& f) {
  for (const unroll::SimdLevel level : unroll::simd_levels)
    if (unroll::has_simd_level(level)) {
      const ScopedLevel scoped(level);
      f(level);
    }
}
