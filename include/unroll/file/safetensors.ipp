// Bodies of file/safetensors.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/file/read_file.hpp>
#include <unroll/file/safetensors.hpp>
#include <unroll/file/safetensors_header.hpp>
#include <unroll/file/tensor_text.hpp>
#include <unroll/file/wanted_kinds.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// Bytes of the header of a file of `size` bytes that begins so.
inline std::size_t header_length(std::span<const std::byte> begin, std::uint64_t size, std::string_view source) {
  constexpr std::uint64_t max = 100'000'000;  // as the reference implementation has it
  refuse_other_kinds(begin, source, {FileKind::safetensors});
  require<FormatError>(std::min<std::uint64_t>(size, begin.size()) >= 8, source, ": ", size,
                       " bytes, expected at least 8: not safetensors");
  const auto length = load_bytes<std::uint64_t>(begin.data());
  require<FormatError>(length <= max, source, ": the header has ", length, " bytes, expected at most ", max,
                       ": not safetensors");
  require<FormatError>(length <= size - 8, source, ": the file is cut short: ", size - 8,
                       " bytes follow, expected a header of ", length);
  return static_cast<std::size_t>(length);
}
/// Of a file that begins so, its length included, and goes on with `size` bytes of data.
inline SafeTensorsHeader checked_header(std::span<const std::byte> begin, std::uint64_t size,
                                        const std::string& source) {
  const std::string_view text(reinterpret_cast<const char*>(begin.data()) + 8, begin.size() - 8);
  require<FormatError>(text.starts_with('{'), source, ": the header does not begin with '{': not safetensors");
  SafeTensorsHeader header(text, concat_text(source, ": header"));
  header.check_layout(size);
  return header;
}

}  // namespace detail

UNROLL_FUNCTION SafeTensors::SafeTensors(std::span<const std::byte> bytes, std::string name) : source(std::move(name)) {
  parse(bytes);
}
UNROLL_FUNCTION SafeTensors::SafeTensors(std::vector<std::byte> bytes, std::string name)
    : source(std::move(name)), storage_(std::make_shared<const std::vector<std::byte>>(std::move(bytes))) {
  parse(*storage_);
}
UNROLL_FUNCTION SafeTensors::SafeTensors(std::vector<std::byte> bytes, std::map<std::string, Tensor, std::less<>> found,
                                         std::string name)
    : source(std::move(name)),
      tensors(std::move(found)),
      storage_(std::make_shared<const std::vector<std::byte>>(std::move(bytes))) {}

UNROLL_FUNCTION const Tensor& SafeTensors::tensor(std::string_view name) const {
  const auto found = tensors.find(name);
  if (found == tensors.end())
    fail<FormatError>(source, ": no tensor ", detail::quote(name), detail::nearest_names(name, tensors));
  return found->second;
}
UNROLL_FUNCTION const std::string& SafeTensors::metadata_value(std::string_view key) const {
  const auto found = metadata.find(key);
  if (found == metadata.end())
    fail<FormatError>(source, ": no metadata ", detail::quote(key), detail::nearest_names(key, metadata));
  return found->second;
}

UNROLL_FUNCTION std::string SafeTensors::where(std::string_view name) const {
  return concat_text(source, ": tensor ", detail::quote(name));
}
/// Before memory is asked for: how many bytes stand behind an element of another type nobody knows.
UNROLL_FUNCTION const Tensor& SafeTensors::readable(std::string_view name) const {
  const Tensor& stored = tensor(name);
  if (stored.dtype == Dtype::other)
    fail<FormatError>(where(name), ": its elements are ", detail::quote(stored.type()),
                      ", expected F64, F32, F16, BF16, I64, I32 or U8");
  return stored;
}
UNROLL_FUNCTION const Tensor& SafeTensors::readable_matrix(std::string_view name) const {
  const Tensor& stored = readable(name);
  if (stored.rank() > 2)
    fail<FormatError>(where(name), ": got shape ", detail::shape_text(stored.shape),
                      ", expected at most two dimensions");
  for (const Index dim : stored.shape)  // no bytes of the file stand behind it: whoever loops over it would not end
    if (stored.size() == 0 && dim > max_empty_side)
      fail<FormatError>(where(name), ": got shape ", detail::shape_text(stored.shape), ", which holds nothing");
  return stored;
}
UNROLL_FUNCTION void SafeTensors::parse(std::span<const std::byte> bytes) {
  const std::size_t begin = 8 + detail::header_length(bytes, bytes.size(), source);
  const auto data = bytes.subspan(begin);
  detail::SafeTensorsHeader header = detail::checked_header(bytes.first(begin), data.size(), source);
  metadata = std::move(header.metadata);
  for (auto& [name, entry] : header.entries) {
    const auto& offsets = *entry.offsets;
    const auto dtype = dtype_from_name(*entry.dtype);
    tensors.emplace(name, Tensor{dtype.value_or(Dtype::other),
                                 {entry.shape->begin(), entry.shape->end()},
                                 data.subspan(detail::as<std::size_t>(offsets[0]),
                                              detail::as<std::size_t>(offsets[1] - offsets[0])),
                                 dtype ? std::string() : std::move(*entry.dtype)});
  }
}

UNROLL_FUNCTION SafeTensors read_safetensors(const std::filesystem::path& path) {
  const std::string source = path.string();
  auto bytes = read_file(path, [&](std::span<const std::byte> head, std::uint64_t size) {
    const std::size_t begin = 8 + detail::header_length(head, size, source);
    if (begin <= head.size()) detail::checked_header(head.first(begin), size - begin, source);
  });
  return SafeTensors(std::move(bytes), source);
}

}  // namespace unroll::inline UNROLL_ABI
