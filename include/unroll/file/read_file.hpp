// Regular files, opened and read: the one way in for all readers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/function_ref.hpp>

#if !__has_include(<unistd.h>)
#include <fstream>
#endif

namespace unroll::inline UNROLL_ABI {

/// A regular file, open for reading. A folder, a pipe, a socket or a device is refused before anything waits for it or
/// reads on without an end. Errors are FormatError with the path and the reason.
class InputFile {
 public:
  UNROLL_API explicit InputFile(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  /// Bytes, when it was opened.
  std::uint64_t size() const { return size_; }
  /// The next bytes: as many as `to` has room for, fewer only at the end of the file.
  UNROLL_API std::size_t read(std::span<std::byte> to);

 private:
  [[noreturn]] void refuse(std::string_view why) const;
  void require_regular(std::filesystem::file_type type) const;
  void open();
  std::size_t read_some(std::span<std::byte> to);

#if __has_include(<unistd.h>)
  struct Descriptor {
    int number = -1;
    Descriptor() = default;
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor(Descriptor&& other) noexcept : number(std::exchange(other.number, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
      std::swap(number, other.number);
      return *this;
    }
    ~Descriptor() { close(); }
    UNROLL_API void close() noexcept;
  };
  Descriptor descriptor_;
#else
  std::ifstream stream_;
#endif

  std::filesystem::path path_;
  std::uint64_t size_ = 0;
};

/// All bytes of the file, as many as it had when it was opened: one that shrinks meanwhile is an error. `accept` is
/// called with the beginning, at most 4096 bytes, and the size of all before memory is asked for the rest; it throws
/// for a file that it does not want.
UNROLL_API std::vector<std::byte> read_file(const std::filesystem::path& path,
                                            FunctionRef<std::span<const std::byte>, std::uint64_t> accept);
UNROLL_API std::vector<std::byte> read_file(const std::filesystem::path& path);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/file/read_file.ipp>
#endif
