// A new file beside another, which it replaces when it is whole.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

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

/// "<name>: cannot write: <operation>: No space left on device".
[[noreturn]] inline void fail_write(std::string_view name, std::string_view operation, const std::error_code& error) {
  fail<FormatError>(name, ": cannot write: ", operation, ": ", error.message());
}
inline std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
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

/// The result of a system call that is made anew while a signal interrupts it.
template <class F> auto uninterrupted(const F& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// A file that nobody else has, in the folder of `target`; removed unless it came to be `target`. Errors are
/// FormatError beginning with `name`.
class TemporaryFile {
 public:
  TemporaryFile(std::string name, std::filesystem::path target) : name_(std::move(name)), target_(std::move(target)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (file_ >= 0) ::close(file_);
    if (folder_ >= 0) ::close(folder_);
    if (!path_.empty()) uninterrupted([&] { return ::unlink(path_.c_str()); });
  }

  /// Empty, and nobody may read more of it than of what it will replace.
  void create() {
    // Opened now: once the new file is in place nothing but its fsync can fail. Some folders may not be read.
    const std::filesystem::path folder = folder_of(target_);
    folder_ = uninterrupted([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (folder_ < 0 && errno != EACCES) refuse(concat_text("open the folder ", folder.string()));
    struct stat old{};
    const bool replaces = uninterrupted([&] { return ::lstat(target_.c_str(), &old); }) == 0;
    if (!replaces && errno != ENOENT) refuse("find the old file");
    open_new(folder, replaces ? 0600 : 0666);
    if (replaces) copy_access(old);
  }

  void write(std::span<const std::byte> bytes) {
    const FileSizeSignalHeld held;
    while (!bytes.empty()) {
      // In pieces: some systems refuse more than 2 GB in one call.
      const std::size_t size = (std::min)(bytes.size(), std::size_t{1} << 30);
      const ssize_t n = uninterrupted([&] { return ::write(file_, bytes.data(), size); });
      if (n < 0) refuse("write");
      require<FormatError>(n > 0, name_, ": cannot write: the system takes no more bytes and does not say why");
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
  }

  void commit() {
    if (uninterrupted([&] { return ::fsync(file_); }) != 0) refuse("fsync");
    // The descriptor is gone whatever close says, and the bytes are on the disk.
    if (::close(std::exchange(file_, -1)) != 0 && errno != EINTR && errno != EINPROGRESS) refuse("close");
    if (uninterrupted([&] { return ::rename(path_.c_str(), target_.c_str()); }) != 0) refuse("rename");
    path_.clear();
    // The name is on the disk only when its folder is. Some file systems cannot say.
    if (folder_ < 0 || uninterrupted([&] { return ::fsync(folder_); }) == 0) return;
    if (errno != EINVAL && errno != ENOTSUP && errno != ENOSYS)
      fail<FormatError>(name_, ": written and in place, but its folder cannot be synced: ", last_error().message(),
                        "; a power failure may bring back what was there before");
  }

 private:
  static std::error_code last_error() { return {errno, std::generic_category()}; }
  [[noreturn]] void refuse(std::string_view operation) const { fail_write(name_, operation, last_error()); }

  void open_new(const std::filesystem::path& folder, mode_t mode) {
    bool name_is_long = false;
    for (int k = 0; k < 10'000;) {
      const std::string own = concat_text(static_cast<long>(::getpid()), "-", k, ".tmp");
      std::filesystem::path path = folder / own;
      if (!name_is_long) (path = target_) += "." + own;
      file_ = uninterrupted([&] { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode); });
      if (file_ >= 0) {
        path_ = std::move(path);
        return;
      }
      if (errno == ENAMETOOLONG && !name_is_long)
        name_is_long = true;
      else if (errno == EEXIST)
        ++k;
      else
        break;
    }
    refuse(concat_text("make a temporary file in the folder ", folder.string()));
  }

  /// While the file is still empty and nobody else's.
  void copy_access(const struct stat& old) {
    constexpr auto same = static_cast<uid_t>(-1);
    mode_t mode = old.st_mode & 0777;
    // Where the group cannot be kept another one must not get what was granted to it.
    if (!give_to(old.st_uid, old.st_gid) && !give_to(same, old.st_gid)) mode &= ~070u | (mode & 07) << 3;
    if (uninterrupted([&] { return ::fchmod(file_, mode); }) != 0) refuse("copy the permissions");
  }
  /// False where that is not ours to do.
  bool give_to(uid_t user, gid_t group) const {
    if (uninterrupted([&] { return ::fchown(file_, user, group); }) == 0) return true;
    if (errno != EPERM && errno != EINVAL && errno != ENOTSUP && errno != ENOSYS) refuse("copy the owner");
    return false;
  }

  std::string name_;
  std::filesystem::path target_, path_;
  int folder_ = -1, file_ = -1;
};
#else
/// Elsewhere: the same steps by the standard library, which has no word for "on the disk".
class TemporaryFile {
 public:
  TemporaryFile(std::string name, std::filesystem::path target) : name_(std::move(name)), target_(std::move(target)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    stream_.close();
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove(path_, ignored);
  }
  void create() {
    std::filesystem::path path;
    std::error_code ignored;
    for (int k = 0; path.empty() || std::filesystem::exists(std::filesystem::symlink_status(path, ignored)); ++k)
      (path = target_) += concat_text(".", k, ".tmp");
    stream_.open(path, std::ios::binary | std::ios::trunc);
    require<FormatError>(stream_.good(), name_, ": cannot write: make a temporary file in the folder ",
                         folder_of(target_).string(), ": the system does not say why");
    path_ = std::move(path);
  }
  void write(std::span<const std::byte> bytes) {
    stream_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  void commit() {
    stream_.close();
    require<FormatError>(stream_.good(), name_, ": cannot write: the system does not say why");
    std::error_code error;
    std::filesystem::rename(path_, target_, error);
    if (error) fail_write(name_, "rename", error);
    path_.clear();
  }

 private:
  std::string name_;
  std::filesystem::path target_, path_;
  std::ofstream stream_;
};
#endif

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
