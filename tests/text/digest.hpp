// FNV-1a over whole integers, as python_text.py has it.
#pragma once

#include <cstdint>
#include <string_view>

struct Digest {
  std::uint64_t value = 0xCBF29CE484222325u;
  void add(std::uint64_t unit) { value = (value ^ unit) * 0x100000001B3u; }
  void add_bytes(std::string_view bytes) {
    add(bytes.size());
    for (const char c : bytes) add(static_cast<unsigned char>(c));
  }
};
