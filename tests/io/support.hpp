// What the tests of io/ share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/core/error.hpp>

/// A folder of its own for one test, gone afterwards.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const auto base = std::filesystem::temp_directory_path();
    for (int k = 0;; ++k) {
      path_ = base / ("unroll_io_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)) + "_" + std::to_string(k));
      if (std::filesystem::create_directory(path_)) return;
    }
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }
  std::size_t files() const {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path_)) ++n;
    return n;
  }

 private:
  std::filesystem::path path_;
};

inline std::vector<std::byte> bytes_of(std::string_view text) {
  std::vector<std::byte> bytes;
  for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

/// The message with which f() throws an Error, "" where it does not throw.
template <class Error = unroll::FormatError, class F> std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// `text` holds all the parts.
inline void check_mentions(const std::string& text, std::initializer_list<std::string_view> parts) {
  CAPTURE(text);
  for (const auto part : parts) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
}
