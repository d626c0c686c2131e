// Counts what a program allocates, in its own files and in libraries: operator new, Eigen and std all ask one of these
// functions of glibc's. Include it in a program's only file.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdio>

namespace {
std::atomic<bool> counting{false};
std::atomic<long> allocations{0};
}  // namespace

#if defined(__has_feature)
#if __has_feature(realtime_sanitizer)  // has functions of its own in their place, and ends the program
#define UNROLL_TEST_REALTIME [[clang::nonblocking]]
#endif
#endif

#ifndef UNROLL_TEST_REALTIME
#define UNROLL_TEST_REALTIME
extern "C" {
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;

void* malloc(std::size_t n) noexcept {
  if (counting) ++allocations;
  return __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) noexcept {
  if (counting) ++allocations;
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t n) noexcept {
  if (counting) ++allocations;
  return __libc_realloc(p, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept {
  if (counting) ++allocations;
  return __libc_memalign(alignment, n);
}
int posix_memalign(void** p, std::size_t alignment, std::size_t n) noexcept {
  if (counting) ++allocations;
  *p = __libc_memalign(alignment, n);
  return *p == nullptr ? 12 : 0;  // ENOMEM
}
}
#endif
