// Where the bytes of a text come from: a file that is read block by block.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/file/read_file.hpp>

namespace unroll::inline UNROLL_ABI {

/// Gives the next bytes of a file: as many as there is room for, fewer only at the end. Throws FormatError.
using ByteSource = std::function<std::size_t(std::span<std::byte>)>;

/// What readers take of one text file, or of a folder of them, unless they are told otherwise: 1 GiB, unpacked.
inline constexpr std::uint64_t default_max_bytes = std::uint64_t{1} << 30;

namespace detail {

[[noreturn]] inline void refuse_size(const std::filesystem::path& path, std::uint64_t max_bytes) {
  fail<FormatError>(path.string(), ": has more than ", max_bytes, " bytes, unpacked: raise max_bytes to read it");
}

/// All that comes from a source. Memory is linear in that.
inline std::string read_all(const ByteSource& source, const std::filesystem::path& path, std::uint64_t max_bytes) {
  std::string bytes, block(std::size_t{1} << 18, '\0');
  for (std::size_t count = block.size(); count == block.size();) {
    count = source(std::as_writable_bytes(std::span(block)));
    if (count > max_bytes - bytes.size()) refuse_size(path, max_bytes);
    bytes.append(block, 0, count);
  }
  return bytes;
}

struct ReadPlainFile {
  static ByteSource open(const std::filesystem::path& path) {
    return [file = std::make_shared<InputFile>(path)](std::span<std::byte> to) { return file->read(to); };
  }
  std::string operator()(const std::filesystem::path& path, std::uint64_t max_bytes = default_max_bytes) const {
    return read_all(open(path), path, max_bytes);
  }
};

}  // namespace detail

/// `read_plain_file(path)`: all bytes of a file. `{.read = read_plain_file}`: block by block. Throws FormatError for
/// what cannot be read or is no regular file, and for more than `max_bytes`, the second argument.
inline constexpr detail::ReadPlainFile read_plain_file{};

/// How a reader gets at a file: `read_plain_file`, `read_gzip_file` from <unroll/data/gzip.hpp>, or a function of your
/// own from a path to a ByteSource or to a string of all bytes. Throws std::invalid_argument for a null function.
class FileReader {
 public:
  template <class F> requires(!std::same_as<F, FileReader> && std::invocable<const F&, const std::filesystem::path&>)
  FileReader(F read) {
    if constexpr (requires { read == nullptr; }) require(!(read == nullptr), "ReadOptions: read is a null function");
    if constexpr (requires(const std::filesystem::path& path) { ByteSource(F::open(path)); })
      open_ = F::open;
    else if constexpr (std::convertible_to<std::invoke_result_t<const F&, const std::filesystem::path&>, std::string>)
      open_ = [read = std::move(read)](const std::filesystem::path& path) { return source_of(read(path)); };
    else
      open_ = std::move(read);
  }
  ByteSource open(const std::filesystem::path& path) const {
    ByteSource source = open_(path);
    require(source != nullptr, path.string(), ": ReadOptions::read gave no source");
    return source;
  }

 private:
  static ByteSource source_of(std::string bytes) {
    return [bytes = std::move(bytes), at = std::size_t{0}](std::span<std::byte> to) mutable {
      const std::size_t count = (std::min)(to.size(), bytes.size() - at);
      std::memcpy(to.data(), bytes.data() + at, count);
      at += count;
      return count;
    };
  }

  std::function<ByteSource(const std::filesystem::path&)> open_;
};

}  // namespace unroll::inline UNROLL_ABI
