// Counter-based random numbers: a number is a function of its place, not of the order of calls.
// Philox4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

/// Four random words from a counter and a key: ten rounds of multiply and swap.
inline std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  std::uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];  // in registers
  std::uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * c0, b = std::uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<std::uint32_t>(b >> 32) ^ c1 ^ k0;
    c1 = static_cast<std::uint32_t>(b);
    c2 = static_cast<std::uint32_t>(a >> 32) ^ c3 ^ k1;
    c3 = static_cast<std::uint32_t>(a);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return {c0, c1, c2, c3};
}

namespace detail {
constexpr std::uint32_t low_word(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
constexpr std::uint32_t high_word(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }
/// Two numbers into one key, through Philox itself, so that (a, b) and (b, a) differ.
UNROLL_API std::uint64_t join_keys(std::uint64_t a, std::uint64_t b);
}  // namespace detail

/// A stream of random numbers: a seed and a position, both part of the value. Satisfies UniformRandomBitGenerator.
class Rng {
 public:
  using result_type = std::uint64_t;
  explicit Rng(std::uint64_t seed = 0) : key_(seed) {}

  static constexpr result_type(min)() { return 0; }
  static constexpr result_type(max)() { return (std::numeric_limits<result_type>::max)(); }
  result_type operator()() {
    const std::uint64_t n = position_++;
    const auto words = philox({detail::low_word(n / 2), detail::high_word(n / 2), 0, 0},
                              {detail::low_word(key_), detail::high_word(key_)});
    return n % 2 == 0 ? std::uint64_t{words[1]} << 32 | words[0] : std::uint64_t{words[3]} << 32 | words[2];
  }
  /// In [0, 1), 53 bits.
  double uniform() { return static_cast<double>((*this)() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// In [0, n), without bias (rejection). n > 0.
  UNROLL_API std::uint64_t below(std::uint64_t n);
  /// Mean 0, deviation 1 (Box and Muller 1958; the second of each pair is not used).
  UNROLL_API double normal();
  /// An independent stream: the k-th of this one's seed, whatever has been drawn from it.
  Rng child(std::uint64_t k) const { return Rng(detail::join_keys(key_, k)); }

  std::uint64_t seed() const { return key_; }
  std::uint64_t position() const { return position_; }
  void seek(std::uint64_t position) { position_ = position; }

 private:
  std::uint64_t key_, position_ = 0;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/core/random.ipp>
#endif
