// What a layer without a state has, as its `apply` gets it one step after the other.
#pragma once

#include <array>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

/// Its tensors and its options that are numbers, in the order in which its kind describes them. Tensors have room for
/// whole vectors.
struct SampleWeights {
  std::array<const float*, 4> tensors{};
  std::array<float, 4> numbers{};
};

}  // namespace unroll::inline UNROLL_ABI
