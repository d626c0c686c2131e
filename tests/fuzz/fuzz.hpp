// What the targets in this folder share: a file of any bytes is read, or refused with FormatError; nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <unroll/core/error.hpp>

inline std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}
inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}
/// Any other exception ends the run, and libFuzzer keeps the input.
template <class Read> int read_or_refuse(const Read& read) {
  try {
    read();
  } catch (const unroll::FormatError&) {
  }
  return 0;
}
