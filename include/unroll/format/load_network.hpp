// Any file that holds a network, whoever wrote it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include <unroll/network/network.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// And not text: they begin with the length of their header, in eight bytes of which one of the last is always zero.
UNROLL_API bool is_safetensors(std::span<const std::byte> bytes);
}  // namespace detail

/// The network in the bytes of a file: safetensors that say what network they hold, RTNeural or AIDA-X JSON, GuitarML
/// JSON, NAM. The format is recognized by the contents, not by the name. Its test vector, if it has one, has been run.
/// Throws FormatError with `source`, the place in the file, what was got and expected.
UNROLL_API Network load_network(std::span<const std::byte> bytes, const std::string& source,
                                KindTable kinds = library_kinds());

UNROLL_API Network load_network(const std::filesystem::path& path, KindTable kinds = library_kinds());

/// With kinds of layers beside the library's: `load_network<Kinds<LibraryKinds, MyKind>>(path)`. Needs
/// <unroll/network/library_kinds.hpp>.
template <class List> Network load_network(const std::filesystem::path& path) {
  return load_network(path, kind_table<List>());
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/format/load_network.ipp>
#endif
