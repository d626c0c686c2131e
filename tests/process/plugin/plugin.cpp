// What plugins.cpp loads: built from these headers, from those of another version, and so that it can be unloaded.
#include <atomic>
#include <cstring>

#include <unroll/core/parallel.hpp>
#include <unroll/kernel/level.hpp>

#define PLUGIN_EXPORT extern "C" __attribute__((visibility("default")))

/// How many of so many tasks have run.
PLUGIN_EXPORT int run(int tasks) {
  std::atomic<int> n = 0;
  unroll::parallel_for(tasks, [&](int) { ++n; });
  return n;
}
PLUGIN_EXPORT void set_threads(int n) { unroll::set_threads(n); }
PLUGIN_EXPORT int threads() { return unroll::threads(); }
PLUGIN_EXPORT void set_plain() { unroll::set_simd_level(unroll::SimdLevel::plain); }
PLUGIN_EXPORT int is_plain() { return unroll::simd_level() == unroll::SimdLevel::plain ? 1 : 0; }
PLUGIN_EXPORT const char* version() { return UNROLL_VERSION_STRING; }
