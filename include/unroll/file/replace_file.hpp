// Files that are replaced as a whole or not at all.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>

#include <unroll/core/error.hpp>

#if __has_include(<unistd.h>)
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#include <fstream>
#endif

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// "<path>: <operation>: No space left on device".
[[noreturn]] inline void fail_file(const std::filesystem::path& path, std::string_view operation, int error) {
  fail<FormatError>(path.string(), ": ", operation, ": ", std::generic_category().message(error));
}

#if __has_include(<unistd.h>)
/// A write past RLIMIT_FSIZE sends SIGXFSZ to its thread, which ends the process by default. While this lives the
/// signal waits; then one that we caused is taken away, so that the error code alone remains.
class FileSizeSignalHeld {
 public:
  FileSizeSignalHeld() {
    sigemptyset(&signal_);
    sigaddset(&signal_, SIGXFSZ);
    was_pending_ = pending();
    pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  FileSizeSignalHeld(const FileSizeSignalHeld&) = delete;
  FileSizeSignalHeld& operator=(const FileSizeSignalHeld&) = delete;
  ~FileSizeSignalHeld() {
    if (int taken = 0; !was_pending_ && pending()) sigwait(&signal_, &taken);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  static bool pending() {
    sigset_t set;
    sigemptyset(&set);
    sigpending(&set);
    return sigismember(&set, SIGXFSZ) == 1;
  }

  sigset_t signal_{}, before_{};
  bool was_pending_ = false;
};

/// A file that nobody else has, beside `target`; removed unless it was renamed to `target`.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target) : target_(target) {
    for (int k = 0; descriptor_ < 0; ++k) {
      path_ = target;
      path_ += concat(".", static_cast<long>(getpid()), "-", k, ".tmp");
      descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor_ < 0 && errno != EEXIST && errno != EINTR) fail_file(path_, "open for writing", errno);
    }
    struct stat old{};  // the new file may be read by whoever might read the old one
    if (::stat(target.c_str(), &old) == 0 && ::fchmod(descriptor_, old.st_mode & 07777) != 0) {
      const int error = errno;
      discard();
      fail_file(target_, "copy the permissions", error);
    }
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { discard(); }

  void write(std::span<const std::byte> bytes) {
    const FileSizeSignalHeld held;
    while (!bytes.empty()) {
      // In pieces: some systems refuse more than 2 GB in one call.
      const ssize_t n = ::write(descriptor_, bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
      if (n >= 0)
        bytes = bytes.subspan(static_cast<std::size_t>(n));
      else if (errno != EINTR)
        fail_file(target_, "write", errno);
    }
  }

  void commit() {
    if (::fsync(descriptor_) != 0) fail_file(target_, "fsync", errno);
    const int descriptor = descriptor_;
    descriptor_ = -1;
    if (::close(descriptor) != 0 && errno != EINTR) fail_file(target_, "close", errno);
    if (::rename(path_.c_str(), target_.c_str()) != 0) fail_file(target_, "rename", errno);
    path_.clear();
    sync_folder();
  }

 private:
  /// The name is on the disk only when its folder is. Some file systems cannot say (EINVAL), some folders may be
  /// written but not read.
  void sync_folder() const {
    const auto folder = target_.has_parent_path() ? target_.parent_path() : std::filesystem::path(".");
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    const int error = ::fsync(descriptor) == 0 ? 0 : errno;
    ::close(descriptor);
    if (error != 0 && error != EINVAL) fail_file(folder, "fsync", error);
  }
  void discard() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!path_.empty()) ::unlink(path_.c_str());
    descriptor_ = -1;
    path_.clear();
  }

  std::filesystem::path target_, path_;
  int descriptor_ = -1;
};
#else
/// Elsewhere: the same steps by the standard library, which has no word for "on the disk".
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target) : target_(target), path_(target) {
    path_ += ".tmp";
    stream_.open(path_, std::ios::binary | std::ios::trunc);
    require<FormatError>(stream_.good(), path_.string(), ": open for writing failed");
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    stream_.close();
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove(path_, ignored);
  }
  void write(std::span<const std::byte> bytes) {
    stream_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  void commit() {
    stream_.close();
    require<FormatError>(stream_.good(), target_.string(), ": write failed");
    std::error_code error;
    std::filesystem::rename(path_, target_, error);
    if (error) fail<FormatError>(target_.string(), ": rename: ", error.message());
    path_.clear();
  }

 private:
  std::filesystem::path target_, path_;
  std::ofstream stream_;
};
#endif

}  // namespace detail

/// Writes the parts, one after the other, as the new contents of `path`: into a new file in the same folder, synced to
/// the disk, then renamed, then the folder synced. At every moment, a power failure included, `path` is the whole old
/// file or the whole new one. A symbolic link stays and the file it points to is replaced; permissions are kept.
///
/// Throws FormatError with the path, the operation and the system's reason (disk full, no such folder, ...); then the
/// old file is as it was and the temporary one is gone. A file size limit (RLIMIT_FSIZE) is such an error, not a
/// signal. A process killed while it writes leaves `<path>.<process>-<number>.tmp`, which nobody reads and anybody may
/// delete.
inline void replace_file(const std::filesystem::path& path, std::span<const std::span<const std::byte>> parts) {
  std::error_code ignored;
  const auto target = std::filesystem::is_symlink(path, ignored) ? std::filesystem::weakly_canonical(path) : path;
  const auto status = std::filesystem::status(target, ignored);
  require<FormatError>(target.has_filename() && (!exists(status) || is_regular_file(status)), path.string(),
                       ": cannot write: not a regular file");
  detail::TemporaryFile file(target);
  for (const auto part : parts) file.write(part);
  file.commit();
}
inline void replace_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  replace_file(path, std::span(&bytes, 1));
}

}  // namespace unroll::inline UNROLL_ABI
