// Bodies of kind/layer_data.hpp.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include <unroll/kind/layer_data.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class T> const T* option_of(const LayerData& layer, std::string_view name) {
  const auto found = layer.options.find(name);
  return found == layer.options.end() ? nullptr : std::get_if<T>(&found->second);
}
}  // namespace detail

UNROLL_FUNCTION const Matrix<float>& LayerData::tensor(std::string_view name) const {
  static const Matrix<float> absent;
  const auto found = tensors.find(name);
  return found == tensors.end() ? absent : found->second;
}
UNROLL_FUNCTION bool LayerData::flag(std::string_view name) const {
  const bool* value = detail::option_of<bool>(*this, name);
  return value != nullptr && *value;
}
UNROLL_FUNCTION double LayerData::number(std::string_view name, double usual) const {
  const double* value = detail::option_of<double>(*this, name);
  return value == nullptr ? usual : *value;
}
UNROLL_FUNCTION std::string_view LayerData::word(std::string_view name, std::string_view usual) const {
  const std::string* value = detail::option_of<std::string>(*this, name);
  return value == nullptr ? usual : std::string_view(*value);
}
UNROLL_FUNCTION void LayerData::set_zeros(std::string_view tensor, Index rows, Index cols) {
  tensors[std::string(tensor)] = Matrix<float>::Zero(rows, cols);
}
UNROLL_FUNCTION void LayerData::set_flag(std::string_view option, bool value) { options[std::string(option)] = value; }
UNROLL_FUNCTION void LayerData::set_number(std::string_view option, double value) {
  options[std::string(option)] = value;
}
UNROLL_FUNCTION void LayerData::set_word(std::string_view option, std::string_view value) {
  options[std::string(option)] = std::string(value);
}
UNROLL_FUNCTION void LayerData::add_part(const LayerKind& of) { parts.push_back({.kind = &of}); }

}  // namespace unroll::inline UNROLL_ABI
