// What this machine's registers can do: fused multiply-adds that wait for nothing, at the level in use.
#pragma once

#include <algorithm>
#include <chrono>

#include <benchmark/benchmark.h>

#include <unroll/kernel/level.hpp>

namespace bench {

struct MultiplyAdds {
  static constexpr int chains = 12;  // independent sums: latency 4, two a cycle, and some to spare
  template <class Isa> static UNROLL_INLINE float run(unroll::Index rounds) {
    using V = typename Isa::template Vector<float>;
    V sum[chains];
    UNROLL_UNROLL
    for (int c = 0; c < chains; ++c) sum[c] = V(static_cast<float>(c));
    const V a(0.999f), b(1e-3f);
    for (unroll::Index r = 0; r < rounds; ++r) {
      UNROLL_UNROLL
      for (int c = 0; c < chains; ++c) sum[c] = fma(sum[c], a, b);
    }
    V total;
    UNROLL_UNROLL
    for (int c = 0; c < chains; ++c) total += sum[c];
    return total[0];
  }
};

struct Width {
  template <class Isa> static UNROLL_INLINE int run(int) { return Isa::template width<float>; }
};

/// FLOP/s of one thread, float, the best of several short runs: measured beside each row, in the same process.
inline double fma_peak() {
  constexpr unroll::Index rounds = 400'000;
  const double width = unroll::detail::dispatch<Width>(0);
  double best = 0;
  for (int run = 0; run < 20; ++run) {
    const auto start = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(unroll::detail::dispatch<MultiplyAdds>(rounds));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, 2 * MultiplyAdds::chains * width * rounds / seconds.count());
  }
  return best;
}

}  // namespace bench
