// Bodies of core/random.hpp.
#pragma once

#include <cmath>
#include <numbers>

#include <unroll/core/error.hpp>
#include <unroll/core/random.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION std::uint64_t join_keys(std::uint64_t a, std::uint64_t b) {
  const auto words = philox({low_word(b), high_word(b), 0x6b657973, 0}, {low_word(a), high_word(a)});
  return std::uint64_t{words[1]} << 32 | words[0];
}
}  // namespace detail

UNROLL_FUNCTION std::uint64_t Rng::below(std::uint64_t n) {
  require(n > 0, "Rng::below: n = 0, expected at least 1");
  const std::uint64_t limit = (max)() - (max)() % n;
  for (;;)
    if (const std::uint64_t x = (*this)(); x < limit) return x % n;
}

UNROLL_FUNCTION double Rng::normal() {
  const double u = 1 - uniform(), v = uniform();
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

}  // namespace unroll::inline UNROLL_ABI
