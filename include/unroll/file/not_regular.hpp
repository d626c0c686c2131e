// Words for what is not a regular file.
#pragma once

#include <filesystem>
#include <string_view>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// "a pipe, expected a regular file"
inline std::string_view why_not_regular(std::filesystem::file_type type) {
  using enum std::filesystem::file_type;
  switch (type) {
    case directory:
      return "a folder, expected a file";
    case fifo:
      return "a pipe, expected a regular file";
    case socket:
      return "a socket, expected a regular file";
    case not_found:
      return "no such file";
    default:
      return "a device, expected a regular file";
  }
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
