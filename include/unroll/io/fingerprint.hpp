// What tells one model's parameters from another's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <unroll/file/tensor_text.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Sixteen hexadecimal digits.
inline std::string hex_text(std::uint64_t bits) {
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, bits >>= 4) *digit = "0123456789abcdef"[bits & 15];
  return text;
}

/// Of names and shapes of parameters in their order: FNV-1a, 64 bits.
class Fingerprint {
 public:
  void add(std::string_view name, std::span<const Index> shape) {
    for (const char c : concat_text(name, shape_text(shape), "\n"))
      hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  }
  std::string text() const { return hex_text(hash_); }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325u;
};

}  // namespace unroll::inline UNROLL_ABI::detail
