// Bodies of data/pipe.hpp.
#pragma once

#include <fstream>
#include <ios>
#include <memory>
#include <system_error>

#include <unroll/data/pipe.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION ByteSource ReadPipe::open(const std::filesystem::path& path) {
  std::error_code error;
  require<FormatError>(!std::filesystem::is_directory(path, error), path.string(),
                       ": cannot read: a folder, expected a file or a pipe");
  const auto stream = std::make_shared<std::ifstream>(path, std::ios::binary);
  require<FormatError>(stream->good(), path.string(), ": cannot read: it cannot be opened");
  return [stream, path](std::span<std::byte> to) {
    stream->read(reinterpret_cast<char*>(to.data()), static_cast<std::streamsize>(to.size()));
    require<FormatError>(!stream->bad(), path.string(), ": cannot read on");
    return static_cast<std::size_t>(stream->gcount());
  };
}
UNROLL_FUNCTION std::string ReadPipe::operator()(const std::filesystem::path& path, std::uint64_t max_bytes) const {
  return read_all(open(path), path, max_bytes);
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
