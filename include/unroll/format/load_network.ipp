// Bodies of format/load_network.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include <unroll/format/formats.ipp>
#include <unroll/format/load_network.hpp>
#include <unroll/format/network_file.hpp>
#include <unroll/format/network_json.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION bool is_safetensors(std::span<const std::byte> bytes) {
  return std::ranges::count(bytes.first((std::min<std::size_t>)(bytes.size(), 8)), std::byte{0}) > 0;
}
}  // namespace detail

UNROLL_FUNCTION Network load_network(std::span<const std::byte> bytes, const std::string& source, KindTable kinds) {
  detail::refuse_other_kinds(bytes, source, {FileKind::safetensors, FileKind::json});
  if (detail::is_safetensors(bytes)) return network_from_safetensors(SafeTensors(bytes, source), kinds);
  const detail::Json tree = detail::parse_json(bytes, source);
  const detail::JsonAt root(tree, source);
  std::string known;
  for (const detail::JsonFormat& format : detail::json_formats) {
    if (root.has(std::string(format.member))) return format.read(root);
    known += concat_text(known.empty() ? "" : ", ", format.name, " ('", format.member, "')");
  }
  root.refuse("none of the formats that there are: ", known);
}
UNROLL_FUNCTION Network load_network(const std::filesystem::path& path, KindTable kinds) {
  const auto bytes = detail::read_file_of(path, {FileKind::safetensors, FileKind::json});
  return load_network(std::span<const std::byte>(bytes), path.string(), kinds);
}

}  // namespace unroll::inline UNROLL_ABI
