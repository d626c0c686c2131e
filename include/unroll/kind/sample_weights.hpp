// What a layer without a state has, as its `apply` gets it one step after the other.
#pragma once

#include <array>
#include <cstddef>
#include <variant>

#include <unroll/core/error.hpp>
#include <unroll/kind/description.hpp>
#include <unroll/kind/layer_data.hpp>
#include <unroll/kind/layer_kind.hpp>

namespace unroll::inline UNROLL_ABI {

/// Its tensors and its options that are numbers, in the order in which its kind describes them; `apply` says by its
/// type how many it has. Tensors have room for whole vectors.
template <class T, std::size_t Tensors = 0, std::size_t Numbers = 0> struct SampleWeights {
  static constexpr std::size_t tensor_count = Tensors, number_count = Numbers;
  std::array<const T*, Tensors> tensors{};
  std::array<T, Numbers> numbers{};
};

namespace detail {
/// The n options of a layer that are numbers.
template <class T, std::size_t n> std::array<T, n> numbers_of(const LayerData& layer) {
  std::array<T, n> numbers{};
  std::size_t k = 0;
  for (const OptionForm& form : describe_layer(layer).options)
    if (const double* usual = std::get_if<double>(&form.usual)) {
      if (k < n) numbers[k] = static_cast<T>(layer.number(form.name, *usual));
      ++k;
    }
  require(k == n, layer.kind->name, " describes ", k, " options that are numbers, its `apply` has ", n);
  return numbers;
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
