// What the benchmarks share: their own options, and what is reported beside a time.
#pragma once

#include <algorithm>
#include <string>
#include <sys/resource.h>

#include <benchmark/benchmark.h>

#include "fma_peak.hpp"

namespace bench {

/// The value of --NAME=VALUE, taken out of the arguments.
inline std::string take(int& argc, char** argv, const std::string& name, const std::string& otherwise) {
  const std::string start = "--" + name + "=";
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with(start)) {
      std::copy(argv + i + 1, argv + argc, argv + i);
      --argc;
      return argument.substr(start.size());
    }
  }
  return otherwise;
}

/// Tokens and FLOPs per second, the machine's peak at this moment, the process's largest memory so far.
inline void report(benchmark::State& state, double tokens, double flops) {
  state.counters["tokens/s"] = benchmark::Counter(tokens, benchmark::Counter::kIsRate);
  state.counters["FLOP/s"] = benchmark::Counter(flops, benchmark::Counter::kIsRate);
  state.counters["peak FLOP/s"] = fma_peak();
  rusage used;
  getrusage(RUSAGE_SELF, &used);
  state.counters["peak memory MB"] = static_cast<double>(used.ru_maxrss) / 1024;
}

}  // namespace bench
