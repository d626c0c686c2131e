// The weights of a network's recurrent layer, as streams take them.
#pragma once

#include <cstddef>

#include <unroll/io/network.hpp>
#include <unroll/stream/layer.hpp>
#include <unroll/stream/recurrent_data.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

template <int S> stream::RecurrentData<float, std::size_t(S)> data_of(const RecurrentLayer& w) {
  stream::RecurrentData<float, std::size_t(S)> data{
      span_of(w.weight_ih), span_of(w.weight_hh), span_of(w.bias_ih), span_of(w.bias_hh), {}};
  data.initial[0] = span_of(w.initial_h);
  if constexpr (S > 1) data.initial[1] = span_of(w.initial_c);
  return data;
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
