// Where the bytes of a text come from: a file that is read block by block.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI {

/// Gives the next bytes of a file: as many as there is room for, fewer only at the end. Throws FormatError.
using ByteSource = std::function<std::size_t(std::span<std::byte>)>;

/// What readers take of one text file, or of a folder of them, unless they are told otherwise: 1 GiB, unpacked.
inline constexpr std::uint64_t default_max_bytes = std::uint64_t{1} << 30;

namespace detail {

[[noreturn]] UNROLL_API void refuse_size(const std::filesystem::path& path, std::uint64_t max_bytes);

/// All that comes from a source. Memory is linear in that.
UNROLL_API std::string read_all(const ByteSource& source, const std::filesystem::path& path, std::uint64_t max_bytes);

struct ReadPlainFile {
  UNROLL_API static ByteSource open(const std::filesystem::path& path);
  UNROLL_API std::string operator()(const std::filesystem::path& path,
                                    std::uint64_t max_bytes = default_max_bytes) const;
};

}  // namespace detail

/// `read_plain_file(path)`: all bytes of a file. `{.read = read_plain_file}`: block by block. Throws FormatError for
/// what cannot be read or is no regular file, and for more than `max_bytes`, the second argument.
inline constexpr detail::ReadPlainFile read_plain_file{};

/// How a reader gets at a file: `read_plain_file`, `read_gzip_file` from <unroll/data/gzip.hpp>, or a function of your
/// own from a path to a ByteSource or to a string of all bytes. Throws std::invalid_argument for a null function.
class FileReader {
 public:
  UNROLL_API FileReader(detail::ReadPlainFile);
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
  UNROLL_API ByteSource open(const std::filesystem::path& path) const;

 private:
  UNROLL_API static ByteSource source_of(std::string bytes);

  std::function<ByteSource(const std::filesystem::path&)> open_;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/byte_source.ipp>
#endif
