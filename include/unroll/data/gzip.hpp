// Compressed files. The one header of the library that needs zlib: include it where you want it, and link with -lz.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <zlib.h>

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI {

/// All bytes of a file, decompressed if it is a .gz (by its first bytes, whatever its name). Throws FormatError for one
/// that cannot be read, is damaged or ends too early.
inline std::string read_gzip_file(const std::filesystem::path& path) {
  const std::string name = path.string();
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(name.c_str(), "rb"), gzclose);
  require<FormatError>(file != nullptr, name, ": cannot open");
  std::string bytes, block(std::size_t{1} << 18, '\0');
  int count;
  while ((count = gzread(file.get(), block.data(), static_cast<unsigned>(block.size()))) > 0)
    bytes.append(block.data(), static_cast<std::size_t>(count));
  int error = Z_OK;  // gzread returns 0 at the end of a file that was cut short too; only gzerror tells the difference
  const std::string message = gzerror(file.get(), &error);
  require<FormatError>(count == 0 && error == Z_OK, name, ": cannot decompress: ", message.empty() ? "?" : message);
  return bytes;
}

}  // namespace unroll::inline UNROLL_ABI
