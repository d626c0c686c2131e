// Numbers in a random order.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include <unroll/core/random.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Fisher and Yates: every order is as likely as any other.
template <class Value> void shuffle(std::span<Value> values, Rng rng) {
  for (std::size_t k = values.size(); k > 1; --k) std::swap(values[k - 1], values[as<std::size_t>(rng.below(k))]);
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
