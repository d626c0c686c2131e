// Bodies of text/byte_pair_file.hpp.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/file/read_file.hpp>
#include <unroll/file/replace_file.hpp>
#include <unroll/text/byte_pair_file.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void save_byte_pairs(const std::filesystem::path& path, const BytePairEncoding& encoding) {
  const std::string text = encoding.text();
  replace_file(path, std::as_bytes(std::span(text)));
}

UNROLL_FUNCTION BytePairEncoding load_byte_pairs(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return BytePairEncoding::from_text(text, path.string());
}

}  // namespace unroll::inline UNROLL_ABI
