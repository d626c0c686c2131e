// What the targets in this folder share: a file of any bytes is read, or refused with FormatError; nothing else, and
// not with more time or memory than its size deserves.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <malloc.h>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>

#include <unroll/core/error.hpp>

// The sanitizers make everything slower; run.sh measures once more without them.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/allocator_interface.h>
#define FUZZ_SANITIZED
#endif
#endif

namespace fuzz {

#if defined(FUZZ_SANITIZED)
inline constexpr double slower = 20;
#else
inline constexpr double slower = 1;
#endif

/// Ten times what a valid file of so many bytes takes: parsing, reading and running reach 20 MB/s. Of the processor's
/// time, which others on the machine do not change.
inline double most_seconds(std::size_t size) { return slower * std::max(0.05, 10 * static_cast<double>(size) / 20e6); }
inline std::ptrdiff_t most_memory(std::size_t size) {
  return std::max(std::ptrdiff_t{16} << 20, 32 * static_cast<std::ptrdiff_t>(size));
}

/// Bytes; what was there before anybody counted may be given back, too.
inline std::atomic<std::ptrdiff_t> in_use = 0, limit = PTRDIFF_MAX;

[[noreturn]] inline void too_much(const char* what, double got, double expected) {
  std::fprintf(stderr, "fuzz: %g %s, expected at most %g\n", got, what, expected);
  std::abort();
}
inline double seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}
inline void taken(std::size_t size) {
  if ((in_use += static_cast<std::ptrdiff_t>(size)) <= limit) return;
  const std::ptrdiff_t most = limit.exchange(PTRDIFF_MAX);
  too_much("bytes of memory", static_cast<double>(in_use), static_cast<double>(most));
}

#if defined(FUZZ_SANITIZED)
inline const int hooks = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t size) { taken(size); },
    [](const volatile void* memory) { in_use -= static_cast<std::ptrdiff_t>(__sanitizer_get_allocated_size(memory)); });
#else
inline void* allocate(std::size_t size, std::size_t alignment) {
  void* memory = nullptr;
  if (posix_memalign(&memory, std::max(alignment, sizeof(void*)), std::max<std::size_t>(size, 1)) != 0)
    throw std::bad_alloc();
  taken(malloc_usable_size(memory));
  return memory;
}
inline void release(void* memory) {
  if (memory != nullptr) in_use -= static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
  std::free(memory);
}
#endif

/// read(), measured. Any exception but FormatError ends the run, and libFuzzer keeps the input; so does what takes too
/// much. `size` is of the input, unpacked.
template <class Read> int read_or_refuse(std::size_t size, const Read& read) {
  const double begin = seconds();
  limit = in_use + most_memory(size);
  try {
    read();
  } catch (const unroll::FormatError&) {
  }
  limit = PTRDIFF_MAX;
  if (const double spent = seconds() - begin; spent > most_seconds(size))
    too_much("seconds", spent, most_seconds(size));
  return 0;
}

inline std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

/// A file in memory, for readers that take a path.
class MemoryFile {
 public:
  MemoryFile(const std::uint8_t* data, std::size_t size) : descriptor_(memfd_create("input", 0)) {
    if (descriptor_ < 0 || write(descriptor_, data, size) != static_cast<ssize_t>(size)) std::abort();
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace fuzz

#if !defined(FUZZ_SANITIZED)
void* operator new(std::size_t size) { return fuzz::allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return fuzz::allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { fuzz::release(memory); }
void operator delete(void* memory, std::size_t) noexcept { fuzz::release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { fuzz::release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { fuzz::release(memory); }
#endif
