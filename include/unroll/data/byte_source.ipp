// Bodies of data/byte_source.hpp.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>

#include <unroll/core/error.hpp>
#include <unroll/data/byte_source.hpp>
#include <unroll/file/read_file.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
[[noreturn]] UNROLL_FUNCTION void refuse_size(const std::filesystem::path& path, std::uint64_t max_bytes) {
  fail<FormatError>(path.string(), ": has more than ", max_bytes, " bytes, unpacked: raise max_bytes to read it");
}

UNROLL_FUNCTION std::string read_all(const ByteSource& source, const std::filesystem::path& path,
                                     std::uint64_t max_bytes) {
  std::string bytes, block(std::size_t{1} << 18, '\0');
  for (std::size_t count = block.size(); count == block.size();) {
    count = source(std::as_writable_bytes(std::span(block)));
    if (count > max_bytes - bytes.size()) refuse_size(path, max_bytes);
    bytes.append(block, 0, count);
  }
  return bytes;
}

UNROLL_FUNCTION ByteSource ReadPlainFile::open(const std::filesystem::path& path) {
  return [file = std::make_shared<InputFile>(path)](std::span<std::byte> to) { return file->read(to); };
}
UNROLL_FUNCTION std::string ReadPlainFile::operator()(const std::filesystem::path& path,
                                                      std::uint64_t max_bytes) const {
  return read_all(open(path), path, max_bytes);
}
}  // namespace detail

UNROLL_FUNCTION FileReader::FileReader(detail::ReadPlainFile) : open_(detail::ReadPlainFile::open) {}
UNROLL_FUNCTION ByteSource FileReader::open(const std::filesystem::path& path) const {
  ByteSource source = open_(path);
  require(source != nullptr, path.string(), ": ReadOptions::read gave no source");
  return source;
}
UNROLL_FUNCTION ByteSource FileReader::source_of(std::string bytes) {
  return [bytes = std::move(bytes), at = std::size_t{0}](std::span<std::byte> to) mutable {
    const std::size_t count = (std::min)(to.size(), bytes.size() - at);
    std::memcpy(to.data(), bytes.data() + at, count);
    at += count;
    return count;
  };
}

}  // namespace unroll::inline UNROLL_ABI
