// The functions of a graph in a stream: of the values of a step, and of all steps that have come.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <unroll/stream/any_layer.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Of a graph that `validate` accepts; `widths` of what it reads, `width` of what it gives.
UNROLL_API LayerPointer graph_function(std::string_view name, std::span<const double> numbers,
                                       std::span<const Index> widths, Index width);

}  // namespace unroll::inline UNROLL_ABI::detail

#if UNROLL_HEADER_ONLY
#include <unroll/stream/graph_functions.ipp>
#endif
