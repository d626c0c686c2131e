// Bodies of network/stored_parameters.hpp.
#pragma once

#include <utility>
#include <vector>

#include <unroll/network/stored_parameters.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION void store_parameter(StoredParameters& to, const Path& path, const void* data, Dtype dtype, Index rows,
                                     Index cols, bool is_table) {
  // A table (D, V) is PyTorch's (V, D); a weight keeps its two dimensions even where one is 1; what is one number per
  // unit has one dimension.
  std::vector<Index> shape{rows, cols};
  if (is_table)
    std::swap(shape[0], shape[1]);
  else if (path.kind != Kind::weight && cols == 1)
    shape.pop_back();
  to.push_back(
      {path.str(), std::string(path.name), const_cast<void*>(data), dtype, rows, cols, is_table, std::move(shape)});
}

}  // namespace unroll::inline UNROLL_ABI::detail
