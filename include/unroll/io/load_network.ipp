// Bodies of io/load_network.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include <unroll/io/guitarml.hpp>
#include <unroll/io/load_network.hpp>
#include <unroll/io/nam.hpp>
#include <unroll/io/network_file.hpp>
#include <unroll/io/network_json.hpp>
#include <unroll/io/rtneural.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION Network load_network(std::span<const std::byte> bytes, const std::string& source) {
  detail::refuse_other_kinds(bytes, source, {FileKind::safetensors, FileKind::json});
  // Safetensors begin with the length of their header, in eight bytes of which one of the last is always zero.
  if (std::ranges::count(bytes.first((std::min<std::size_t>)(bytes.size(), 8)), std::byte{0}) > 0)
    return network_from_safetensors(SafeTensors(bytes, source));
  const detail::Json tree = detail::parse_json(bytes, source);
  const detail::JsonAt root(tree, source);
  if (root.has("architecture")) return detail::network_from_nam(root);
  if (root.has("state_dict") || root.has("model_data")) return detail::network_from_guitarml(root);
  if (root.has("layers")) return detail::network_from_rtneural(root);
  root.refuse("neither RTNeural ('layers') nor GuitarML ('state_dict') nor NAM ('architecture')");
}
UNROLL_FUNCTION Network load_network(const std::filesystem::path& path) {
  const auto bytes = detail::read_file_of(path, {FileKind::safetensors, FileKind::json});
  return load_network(std::span<const std::byte>(bytes), path.string());
}

}  // namespace unroll::inline UNROLL_ABI
