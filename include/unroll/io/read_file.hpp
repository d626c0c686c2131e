// The bytes of a file.
#pragma once

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI {

/// All bytes of the file. Throws FormatError with the path and the system's reason where it cannot be read.
inline std::vector<std::byte> read_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  require<FormatError>(std::filesystem::exists(status), path.string(), ": cannot read: ", error.message());
  require<FormatError>(std::filesystem::is_regular_file(status), path.string(), ": cannot read: not a regular file");
  const auto size = std::filesystem::file_size(path, error);
  require<FormatError>(!error, path.string(), ": cannot read: ", error.message());
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  require<FormatError>(stream.good(), path.string(), ": cannot read: ", std::generic_category().message(errno));
  std::vector<std::byte> bytes(size);
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  require<FormatError>(stream.gcount() == static_cast<std::streamsize>(size), path.string(), ": read ", stream.gcount(),
                       " of ", size, " bytes");
  return bytes;
}

}  // namespace unroll::inline UNROLL_ABI
