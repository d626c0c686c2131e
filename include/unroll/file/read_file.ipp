// Bodies of file/read_file.hpp.
#pragma once

#include <algorithm>
#include <new>
#include <system_error>

#include <unroll/file/not_regular.hpp>
#include <unroll/file/read_file.hpp>

#if __has_include(<unistd.h>)
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) { open(); }

UNROLL_FUNCTION std::size_t InputFile::read(std::span<std::byte> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    const std::size_t n = read_some(to.subspan(done));
    if (n == 0) break;
    done += n;
  }
  return done;
}

[[noreturn]] UNROLL_FUNCTION void InputFile::refuse(std::string_view why) const {
  fail<FormatError>(path_.string(), ": cannot read: ", why);
}
UNROLL_FUNCTION void InputFile::require_regular(std::filesystem::file_type type) const {
  if (type != std::filesystem::file_type::regular) refuse(detail::why_not_regular(type));
}

#if __has_include(<unistd.h>)
UNROLL_FUNCTION void InputFile::Descriptor::close() noexcept {
  if (number >= 0) ::close(number);
}

UNROLL_FUNCTION void InputFile::open() {
  do descriptor_.number = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  while (descriptor_.number < 0 && errno == EINTR);
  if (descriptor_.number < 0) {
    const int error = errno;
    std::error_code ignored;  // a socket cannot be opened, some devices neither
    const auto type = std::filesystem::status(path_, ignored).type();
    if (!ignored && type != std::filesystem::file_type::not_found) require_regular(type);
    refuse(std::generic_category().message(error));
  }
  struct stat is{};
  if (::fstat(descriptor_.number, &is) != 0) refuse(std::generic_category().message(errno));
  require_regular(S_ISREG(is.st_mode)    ? std::filesystem::file_type::regular
                  : S_ISDIR(is.st_mode)  ? std::filesystem::file_type::directory
                  : S_ISFIFO(is.st_mode) ? std::filesystem::file_type::fifo
                                         : std::filesystem::file_type::unknown);
  size_ = static_cast<std::uint64_t>(is.st_size);
}
UNROLL_FUNCTION std::size_t InputFile::read_some(std::span<std::byte> to) {
  for (;;) {  // in pieces: some systems refuse more than 2 GB in one call
    const ssize_t n = ::read(descriptor_.number, to.data(), (std::min)(to.size(), std::size_t{1} << 30));
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) refuse(std::generic_category().message(errno));
  }
}
#else
UNROLL_FUNCTION void InputFile::open() {
  std::error_code error;
  require_regular(std::filesystem::status(path_, error).type());
  size_ = std::filesystem::file_size(path_, error);
  if (error) refuse(error.message());
  stream_.open(path_, std::ios::binary);
  if (!stream_.good()) refuse("the system does not say why");
}
UNROLL_FUNCTION std::size_t InputFile::read_some(std::span<std::byte> to) {
  stream_.read(reinterpret_cast<char*>(to.data()), static_cast<std::streamsize>(to.size()));
  if (stream_.bad()) refuse("the system does not say why");
  return static_cast<std::size_t>(stream_.gcount());
}
#endif

UNROLL_FUNCTION std::vector<std::byte> read_file(const std::filesystem::path& path,
                                                 FunctionRef<std::span<const std::byte>, std::uint64_t> accept) {
  InputFile file(path);
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), 4096)));
  std::size_t size = file.read(bytes);
  accept(std::span<const std::byte>(bytes).first(size), file.size());
  bool fits = file.size() <= bytes.max_size();
  try {
    if (fits) bytes.resize(detail::as<std::size_t>(file.size()));
  } catch (const std::bad_alloc&) {
    fits = false;
  }
  require<FormatError>(fits, path.string(), ": ", file.size(), " bytes, more than memory can hold");
  size += file.read(std::span(bytes).subspan(size));
  require<FormatError>(size == bytes.size(), path.string(), ": read ", size, " of ", bytes.size(), " bytes");
  return bytes;
}
UNROLL_FUNCTION std::vector<std::byte> read_file(const std::filesystem::path& path) {
  return read_file(path, [](std::span<const std::byte>, std::uint64_t) {});
}

}  // namespace unroll::inline UNROLL_ABI
