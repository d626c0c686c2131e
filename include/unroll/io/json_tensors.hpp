// Tensors in JSON, as RTNeural's Python exports PyTorch's state dictionaries.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <unroll/file/dtype.hpp>
#include <unroll/file/json_value.hpp>
#include <unroll/file/safetensors.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// Names to numbers, lists of numbers, lists of lists.
inline SafeTensors tensors_from_json(const JsonAt& root) {
  std::vector<std::byte> bytes;
  std::map<std::string, Tensor, std::less<>> tensors;
  for (const auto& [name, value] : root.object().items()) {
    const JsonAt at = root.at(name);
    const auto rows = static_cast<Index>(at.size());
    const bool is_vector = rows == 0 || !at[0].is_array();
    const Index cols = is_vector ? 1 : static_cast<Index>(at[0].size());
    const Matrix<float> m = is_vector ? at.vector(rows) : at.matrix(rows, cols);
    const std::size_t begin = bytes.size();
    bytes.resize(begin + static_cast<std::size_t>(m.size()) * sizeof(float));
    std::byte* to = bytes.data() + begin;
    for (Index i = 0; i < m.rows(); ++i)
      for (Index j = 0; j < cols; ++j, to += sizeof(float)) store_bytes(m(i, j), to);
    auto shape = is_vector ? std::vector<Index>{rows} : std::vector<Index>{rows, cols};
    tensors.emplace(name, Tensor{Dtype::f32, std::move(shape), {}});
  }
  std::span<const std::byte> rest = bytes;
  for (auto& [name, tensor] : tensors) {  // names of both are in the same order
    tensor.bytes = rest.first(static_cast<std::size_t>(tensor.size()) * sizeof(float));
    rest = rest.subspan(tensor.bytes.size());
  }
  return SafeTensors(std::move(bytes), std::move(tensors), root.source());
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
