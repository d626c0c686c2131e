// The system calls that writing a file makes, counted, and one of them failing on demand. A program that includes this
// has them in front of the C library's, for the C++ library too. Not with sanitizers, who do the same.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <dlfcn.h>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace faults {

// Beside the numbers of errno:
constexpr int none = 0, half = -1 /* of the bytes are written */, nothing = -2 /* is written, without an error */;

/// The calls since `start`, and which of them fails how.
struct Calls {
  bool counting = false, from_then_on = false;
  std::size_t failing = 0;
  int error = none;
  std::vector<std::string> names;
  mode_t widest = 0;  ///< permissions of new files, from the call that makes them on

  void start(std::size_t which, int how, bool and_all_later = false) {
    names.clear();
    widest = 0;
    failing = which, error = how, from_then_on = and_all_later;
    counting = true;
  }
  void stop() { counting = false; }
  /// What happens to this call.
  int next(const char* name) {
    if (!counting) return none;
    const std::size_t k = names.size();
    counting = false;  // keeping the name may not count
    names.emplace_back(name);
    counting = true;
    return k == failing || (from_then_on && k > failing) ? error : none;
  }
};
inline Calls calls;

template <class F> F real(const char* name, F) { return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name)); }
/// The call, or its failure.
template <class F, class... Arguments> auto make(const char* name, F self, Arguments... arguments) {
  using Result = decltype(self(arguments...));
  if (const int error = calls.next(name); error != none) {
    errno = error > 0 ? error : EIO;
    return Result(-1);
  }
  return real(name, self)(arguments...);
}

}  // namespace faults

extern "C" {

inline int open_with_mode(const char* name, int (*self)(const char*, int, ...), const char* path, int flags,
                          va_list more) {
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  if (faults::calls.counting) faults::calls.widest |= mode;
  return faults::make(name, self, path, flags, mode);
}
int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const int result = open_with_mode("open", &open, path, flags, more);
  va_end(more);
  return result;
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const int result = open_with_mode("open64", &open64, path, flags, more);
  va_end(more);
  return result;
}
int stat(const char* path, struct stat* to) noexcept { return faults::make("stat", &stat, path, to); }
int lstat(const char* path, struct stat* to) noexcept { return faults::make("lstat", &lstat, path, to); }
ssize_t readlink(const char* path, char* to, std::size_t size) noexcept {
  return faults::make("readlink", &readlink, path, to, size);
}
int fchmod(int file, mode_t mode) noexcept { return faults::make("fchmod", &fchmod, file, mode); }
int fchown(int file, uid_t user, gid_t group) noexcept { return faults::make("fchown", &fchown, file, user, group); }
int fsync(int file) { return faults::make("fsync", &fsync, file); }
int rename(const char* from, const char* to) noexcept { return faults::make("rename", &rename, from, to); }
int unlink(const char* path) noexcept { return faults::make("unlink", &unlink, path); }
/// Closes in any case, as Linux does.
int close(int file) {
  const int error = faults::calls.next("close"), result = faults::real("close", &close)(file);
  if (error == faults::none) return result;
  errno = error > 0 ? error : EIO;
  return -1;
}
ssize_t write(int file, const void* bytes, std::size_t size) {
  using namespace faults;
  const int error = calls.next("write");
  if (struct stat is; calls.counting && ::fstat(file, &is) == 0) calls.widest |= is.st_mode & 0777;
  if (error > 0) {
    errno = error;
    return -1;
  }
  return error == nothing ? 0 : real("write", &write)(file, bytes, error == half ? (size + 1) / 2 : size);
}

}  // extern "C"
