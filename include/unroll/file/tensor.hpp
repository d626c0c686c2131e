// A tensor of a file.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/file/dtype.hpp>

namespace unroll::inline UNROLL_ABI {

/// One tensor of a file: row-major, little-endian, of any alignment.
struct Tensor {
  Dtype dtype = Dtype::f32;
  std::vector<Index> shape;
  std::span<const std::byte> bytes;
  std::string dtype_name{};  ///< of Dtype::other, as the file has it

  Index rank() const { return static_cast<Index>(shape.size()); }
  /// Number of elements.
  Index size() const {
    Index size = 1;
    for (const Index dim : shape) size *= dim;
    return size;
  }
  /// "F32", "F8_E4M3"
  std::string_view type() const { return dtype == Dtype::other ? std::string_view(dtype_name) : name_of(dtype); }
};

}  // namespace unroll::inline UNROLL_ABI
