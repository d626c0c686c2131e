// The weights of a network's recurrent layer, as streams take them.
#pragma once

#include <cstddef>

#include <unroll/kind/by_the_book.hpp>
#include <unroll/kind/layer_data.hpp>
#include <unroll/stream/layer.hpp>
#include <unroll/stream/recurrent_data.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

template <int S> stream::RecurrentData<float, std::size_t(S)> data_of(const LayerData& w) {
  stream::RecurrentData<float, std::size_t(S)> data{span_of(w.tensor("weight_ih")), span_of(w.tensor("weight_hh")),
                                                    span_of(w.tensor("bias_ih")), span_of(w.tensor("bias_hh")),
                                                    span_of(w.tensor("weight_unit"))};
  for (std::size_t s = 0; s < std::size_t(S); ++s) data.initial[s] = span_of(w.tensor(initial_names[s]));
  data.projection = span_of(w.tensor("weight_hr"));
  return data;
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
