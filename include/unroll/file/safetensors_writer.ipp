// Bodies of file/safetensors_writer.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <unroll/core/utf8.hpp>
#include <unroll/file/replace_file.hpp>
#include <unroll/file/safetensors_writer.hpp>
#include <unroll/file/tensor_text.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// values(i, j) as element i * cols + j of `to`, or with `transposed` as element j * rows + i. `name` is for messages.
template <class T>
void store_elements(const SafeTensorsWriter::Values& values, Dtype dtype, std::byte* to, std::string_view name) {
  const T* const from = static_cast<const T*>(values.data);
  for (Index j = 0; j < values.cols; ++j)
    for (Index i = 0; i < values.rows; ++i) {
      const Index k = values.transposed ? j * values.rows + i : i * values.cols + j;
      const T value = from[i + j * values.rows];
      std::byte* const at = to + static_cast<std::size_t>(k) * size_of(dtype);
      if (dtype == dtype_of<T>)
        store_bytes(value, at);
      else if constexpr (std::is_floating_point_v<T>)
        require(store_rounded(static_cast<double>(value), dtype, at), "safetensors: element ", k, " of ", quote(name),
                " is ", value, ", too large for ", name_of(dtype));
    }
}

}  // namespace detail

UNROLL_FUNCTION void SafeTensorsWriter::add_values(std::string_view name, const Values& values,
                                                   std::span<const Index> shape, Dtype dtype) {
  const Index count = values.rows * values.cols;
  const bool empty = std::ranges::find(shape, Index{0}) != shape.end();
  Index size = empty ? 0 : 1;  // of as many as there are values: the product of other sides may be no number
  for (const Index dim : shape) {
    require(dim >= 0 && (empty || size <= count / dim), "safetensors: '", name, "' has ", count, " values, expected ",
            detail::shape_text(shape));
    size *= dim;
  }
  require(size == count, "safetensors: '", name, "' has ", count, " values, expected ", detail::shape_text(shape));
  Entry to = make_entry(name, values.dtype, dtype, shape);
  if (values.dtype == Dtype::f32)
    detail::store_elements<float>(values, dtype, to.bytes.data(), name);
  else if (values.dtype == Dtype::f64)
    detail::store_elements<double>(values, dtype, to.bytes.data(), name);
  else if (values.dtype == Dtype::i32)
    detail::store_elements<std::int32_t>(values, dtype, to.bytes.data(), name);
  else
    detail::store_elements<std::int64_t>(values, dtype, to.bytes.data(), name);
  names_.insert(to.name);
  entries_.push_back(std::move(to));
}
UNROLL_FUNCTION void SafeTensorsWriter::set_metadata(std::string_view key, std::string_view value) {
  require(is_valid_utf8(key) && is_valid_utf8(value), "safetensors: the metadata ", detail::quote(key),
          " is not UTF-8");
  metadata_[std::string(key)] = value;
}

UNROLL_FUNCTION void SafeTensorsWriter::save(const std::filesystem::path& path) const {
  const std::string header = make_header();
  std::vector<std::span<const std::byte>> parts{std::as_bytes(std::span(header))};
  for (const Entry* entry : in_order()) parts.emplace_back(entry->bytes);
  replace_file(path, parts);
}
UNROLL_FUNCTION std::vector<std::byte> SafeTensorsWriter::bytes() const {
  const std::string header = make_header();
  const auto head = std::as_bytes(std::span(header));
  std::vector<std::byte> all(head.begin(), head.end());
  for (const Entry* entry : in_order()) all.insert(all.end(), entry->bytes.begin(), entry->bytes.end());
  return all;
}

UNROLL_FUNCTION SafeTensorsWriter::Entry SafeTensorsWriter::make_entry(std::string_view name, Dtype from, Dtype dtype,
                                                                       std::span<const Index> shape) const {
  require(is_valid_utf8(name) && name != "__metadata__", "safetensors: a tensor cannot be called ",
          detail::quote(name));
  require(!names_.contains(name), "safetensors: two tensors are called ", detail::quote(name));
  require(dtype == from || (is_floating_point(from) && is_floating_point(dtype)), "safetensors: ", detail::quote(name),
          " is ", name_of(from), ", which cannot be written as ", name_of(dtype));
  std::size_t bytes = size_of(dtype);
  for (const Index dim : shape) bytes *= static_cast<std::size_t>(dim);
  return {std::string(name), dtype, {shape.begin(), shape.end()}, std::vector<std::byte>(bytes)};
}
UNROLL_FUNCTION std::vector<const SafeTensorsWriter::Entry*> SafeTensorsWriter::in_order() const {
  std::vector<const Entry*> order;
  for (const std::size_t size : {8u, 4u, 2u, 1u})
    for (const Entry& entry : entries_)
      if (size_of(entry.dtype) == size) order.push_back(&entry);
  return order;
}
/// With the eight bytes of its length in front; spaces make the data begin at a multiple of eight.
UNROLL_FUNCTION std::string SafeTensorsWriter::make_header() const {
  using Json = nlohmann::json;
  std::string text = "{";
  if (!metadata_.empty()) text += concat_text("\"__metadata__\":", Json(metadata_).dump());
  std::size_t begin = 0;
  for (const Entry* entry : in_order()) {
    const std::size_t end = begin + entry->bytes.size();
    const Json description{{"dtype", name_of(entry->dtype)}, {"shape", entry->shape}, {"data_offsets", {begin, end}}};
    text += concat_text(text.size() > 1 ? "," : "", Json(entry->name).dump(), ":", description.dump());
    begin = end;
  }
  text += '}';
  text.append((8 - text.size() % 8) % 8, ' ');
  std::string header(8, '\0');
  detail::store_bytes(detail::as<std::uint64_t>(text.size()), reinterpret_cast<std::byte*>(header.data()));
  return header + text;
}

}  // namespace unroll::inline UNROLL_ABI
