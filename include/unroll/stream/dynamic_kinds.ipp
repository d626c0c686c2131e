// Bodies of stream/dynamic_kinds.hpp, which any_model.ipp brings: streams of all kinds of the library.
#pragma once

#include <unroll/network/library_kinds.hpp>
#include <unroll/stream/dynamic_kinds.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION LayerPointer stream_of_library_kinds(const LayerData& layer, Index values) {
  return stream_of_kinds<LibraryKinds, void>(layer, values);
}

}  // namespace unroll::inline UNROLL_ABI::detail
