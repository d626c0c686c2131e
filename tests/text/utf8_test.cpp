#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/core/utf8.hpp>

#include "digest.hpp"

namespace {

std::vector<char32_t> decode(std::string_view text) {
  std::vector<char32_t> points;
  unroll::for_each_code_point(text,
                              [&](const unroll::CodePoint& point, std::string_view) { points.push_back(point.value); });
  return points;
}

}  // namespace

TEST_CASE("code points of one to four bytes are decoded with their sizes") {
  CHECK(unroll::decode_code_point("a", 0) == unroll::CodePoint{U'a', 1, true});
  CHECK(unroll::decode_code_point("\xC3\xA9", 0) == unroll::CodePoint{0xE9, 2, true});
  CHECK(unroll::decode_code_point("\xE2\x82\xAC", 0) == unroll::CodePoint{0x20AC, 3, true});
  CHECK(unroll::decode_code_point("\xF0\x9F\x8E\xAC", 0) == unroll::CodePoint{0x1F3AC, 4, true});
  CHECK(unroll::decode_code_point("ab\xC3\xA9", 2) == unroll::CodePoint{0xE9, 2, true});
  CHECK(unroll::decode_code_point("\xF4\x8F\xBF\xBF", 0) == unroll::CodePoint{0x10FFFF, 4, true});
}

TEST_CASE("bytes that are not UTF-8 become one U+FFFD for each run that could have begun a code point") {
  using Points = std::vector<char32_t>;
  CHECK(decode("\x80") == Points{0xFFFD});                                      // a continuation byte alone
  CHECK(decode("\xE2\x82") == Points{0xFFFD});                                  // a euro sign cut short
  CHECK(decode("\xE2\x82x") == Points{0xFFFD, U'x'});                           // and followed by something else
  CHECK(decode("\xF0\x9F\x8E") == Points{0xFFFD});                              // three bytes of four
  CHECK(decode("\xC0\xAF") == Points{0xFFFD, 0xFFFD});                          // an overlong slash
  CHECK(decode("\xED\xA0\x80") == Points{0xFFFD, 0xFFFD, 0xFFFD});              // a surrogate
  CHECK(decode("\xF4\x90\x80\x80") == Points{0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD});  // past U+10FFFF
  CHECK(decode("\xE2\xC3\xA9") == Points{0xFFFD, 0xE9});                        // the byte that broke it is read again
}

TEST_CASE("every sequence of four border bytes decodes as Python's errors='replace'") {
  constexpr std::string_view borders(
      "\x00\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5\xFF", 24);
  Digest digest;
  char sequence[4];
  for (const char a : borders)
    for (const char b : borders)
      for (const char c : borders)
        for (const char d : borders) {
          sequence[0] = a, sequence[1] = b, sequence[2] = c, sequence[3] = d;
          const std::vector<char32_t> points = decode(std::string_view(sequence, 4));
          digest.add(points.size());
          for (const char32_t point : points) digest.add(point);
        }
  CHECK(digest.value == 0xd393b639f023d069u);
}

TEST_CASE("decoding never reads past the text") {
  // Each text is a heap block of its very size, so that the address sanitizer sees a byte too many.
  for (const std::string_view text : {"\xC3", "\xE2", "\xE2\x82", "\xF0", "\xF0\x9F", "\xF0\x9F\x8E"}) {
    const auto exact = std::make_unique<char[]>(text.size());
    text.copy(exact.get(), text.size());
    CHECK(decode(std::string_view(exact.get(), text.size())) == std::vector<char32_t>{0xFFFD});
  }
  CHECK(decode("").empty());
}

TEST_CASE("replacing leaves UTF-8 as it is and makes UTF-8 of anything else") {
  CHECK(unroll::is_valid_utf8("caf\xC3\xA9"));
  CHECK(unroll::is_valid_utf8(""));
  CHECK_FALSE(unroll::is_valid_utf8("caf\xE9"));
  CHECK(unroll::replace_invalid_utf8("caf\xC3\xA9") == "caf\xC3\xA9");
  CHECK(unroll::replace_invalid_utf8("caf\xE9!") == "caf\xEF\xBF\xBD!");
  CHECK(unroll::is_valid_utf8(unroll::replace_invalid_utf8("\xFF\xC3\xF0\x9F")));
}

TEST_CASE("white space is Python's 29 code points") {
  int count = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) count += unroll::is_white_space(c);
  CHECK(count == 29);
  for (const char32_t c : {U'\t', U'\n', U' ', char32_t{0x1C}, char32_t{0x85}, char32_t{0xA0}, char32_t{0x3000}})
    CHECK(unroll::is_white_space(c));
  // The zero-width space and the byte order mark are not white space.
  for (const char32_t c : {U'a', U'\0', char32_t{0x200B}, char32_t{0xFEFF}, unroll::replacement_character})
    CHECK_FALSE(unroll::is_white_space(c));
}
