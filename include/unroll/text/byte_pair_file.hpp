// A byte-pair encoding as a text file.
#pragma once

#include <filesystem>

#include <unroll/text/byte_pair_encoding.hpp>

namespace unroll::inline UNROLL_ABI {

/// Writes `encoding.text()` to a file: see `replace_file` for what happens to an old one and on errors.
UNROLL_API void save_byte_pairs(const std::filesystem::path& path, const BytePairEncoding& encoding);

/// The encoding of a file that `save_byte_pairs` wrote. Throws FormatError naming the file and the line for anything
/// else.
UNROLL_API BytePairEncoding load_byte_pairs(const std::filesystem::path& path);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/text/byte_pair_file.ipp>
#endif
