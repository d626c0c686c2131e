// Any file that holds a network, whoever wrote it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>

#include <unroll/io/guitarml.hpp>
#include <unroll/io/nam.hpp>
#include <unroll/io/network_file.hpp>
#include <unroll/io/rtneural.hpp>

namespace unroll::inline UNROLL_ABI {

/// The network in the bytes of a file: safetensors that say what network they hold, RTNeural or AIDA-X JSON, GuitarML
/// JSON, NAM. The format is recognized by the contents, not by the name. Its test vector, if it has one, has been run.
/// Throws FormatError with `source`, the place in the file, what was got and expected.
inline Network load_network(std::span<const std::byte> bytes, const std::string& source) {
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
inline Network load_network(const std::filesystem::path& path) {
  const auto bytes = detail::read_file_of(path, {FileKind::safetensors, FileKind::json});
  return load_network(std::span<const std::byte>(bytes), path.string());
}

}  // namespace unroll::inline UNROLL_ABI
