// The list of the SIMD levels. All that knows which levels there are is written over it.
#pragma once

#include <unroll/kernel/level/avx2.hpp>
#include <unroll/kernel/level/avx512.hpp>
#include <unroll/kernel/level/baseline.hpp>
#include <unroll/kernel/level/plain.hpp>

// LEVEL(number, name, class) for each, the best last. The number is what UNROLL_LEAST_LEVEL says, and core/config.hpp
// where the flags guarantee a level; the name is an enumerator of SimdLevel. Programs know both: a level keeps them
// wherever others come in.
#define UNROLL_LEVELS(LEVEL)   \
  LEVEL(0, plain, Plain)       \
  LEVEL(1, baseline, Baseline) \
  LEVEL(2, avx2, Avx2)         \
  LEVEL(3, avx512, Avx512)
