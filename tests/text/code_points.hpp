// What a tokenizer makes of every code point.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "digest.hpp"

inline void append_utf8(std::string& text, std::uint32_t point) {
  const auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | point >> 6), put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12), put(0x80 | (point >> 6 & 0x3F)), put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | point >> 18), put(0x80 | (point >> 12 & 0x3F)), put(0x80 | (point >> 6 & 0x3F)),
        put(0x80 | (point & 0x3F));
  }
}

template <class Tokenizer> void add_tokens(Digest& digest, const Tokenizer& tokenizer, std::string_view text) {
  std::uint64_t count = 0;
  tokenizer(text, [&](std::string_view) { ++count; });
  digest.add(count);
  tokenizer(text, [&](std::string_view token) { digest.add_bytes(token); });
}

/// Digest of the tokens of a<code point>B for every code point.
template <class Tokenizer> std::uint64_t digest_of_all_code_points(const Tokenizer& tokenizer) {
  Digest digest;
  std::string text;
  for (std::uint32_t point = 0; point < 0x110000; ++point) {
    if (point >= 0xD800 && point < 0xE000) continue;
    text = "a";
    append_utf8(text, point);
    text += 'B';
    add_tokens(digest, tokenizer, text);
  }
  return digest.value;
}
