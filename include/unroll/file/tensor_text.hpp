// Tensors in messages.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <unroll/file/nearest_names.hpp>
#include <unroll/file/tensor.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// "(4, 3)"
inline std::string shape_text(std::span<const Index> shape) {
  std::string text = "(";
  for (const Index dim : shape) text += concat_text(text.size() > 1 ? ", " : "", dim);
  return text + ")";
}

/// "F32 (512, 128)"
inline std::string describe_tensor(std::string_view type, std::span<const Index> shape) {
  return concat_text(type.size() > 40 ? type.substr(0, 40) : type, " ", shape_text(shape));
}
inline std::string describe_tensor(const Tensor& tensor) { return describe_tensor(tensor.type(), tensor.shape); }

}  // namespace unroll::inline UNROLL_ABI::detail
