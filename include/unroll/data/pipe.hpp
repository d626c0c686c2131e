// Texts that come through a pipe.
#pragma once

#include <filesystem>
#include <string>

#include <unroll/data/byte_source.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
struct ReadPipe {
  UNROLL_API static ByteSource open(const std::filesystem::path& path);
  UNROLL_API std::string operator()(const std::filesystem::path& path,
                                    std::uint64_t max_bytes = default_max_bytes) const;
};
}  // namespace detail

/// `read_labelled_text("/dev/stdin", {.read = read_pipe})`: what another program writes, until it closes its end; waits
/// for it. Reads regular files as well. Throws FormatError for what cannot be opened or read.
inline constexpr detail::ReadPipe read_pipe{};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/pipe.ipp>
#endif
