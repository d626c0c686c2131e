#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/text/unicode_words.hpp>

#include "code_points.hpp"

namespace {
using Words = std::vector<std::string>;
Words words_of(std::string_view text) { return unroll::UnicodeWordTokenizer{}.tokenize(text); }
}  // namespace

TEST_CASE("words of any alphabet are lower-cased and cut at what is no letter, mark or digit") {
  CHECK(words_of("Отличный ФИЛЬМ, 10/10!") == Words{"отличный", "фильм", "10", "10"});
  CHECK(words_of("das war GROẞARTIG; Größe") == Words{"das", "war", "großartig", "größe"});
  CHECK(words_of("Nguyễn_Trãi — Đà Lạt") == Words{"nguyễn", "trãi", "đà", "lạt"});
  CHECK(words_of("हिन्दी में") == Words{"हिन्दी", "में"});
  CHECK(words_of("שלום, עולם") == Words{"שלום", "עולם"});
}

TEST_CASE("an apostrophe separates, whichever it is") {
  CHECK(words_of("Don't") == Words{"don", "t"});
  CHECK(words_of("L’eau") == Words{"l", "eau"});
}

TEST_CASE("each code point of Chinese and Japanese is a word, with the marks that follow it") {
  CHECK(words_of("良い映画 DVD版") == Words{"良", "い", "映", "画", "dvd", "版"});
  CHECK(words_of("か\xE3\x82\x99き") == Words{"か\xE3\x82\x99", "き"});  // a combining voiced sound mark
  CHECK(words_of("パーティー") == Words{"パ", "ー", "テ", "ィ", "ー"});
  CHECK(words_of("좋은 영화") == Words{"좋은", "영화"});  // Korean has spaces
}

TEST_CASE("lower case may be longer, and a capital sigma at the end of a word is a final one") {
  CHECK(words_of("İstanbul") == Words{"i\xCC\x87stanbul"});
  CHECK(words_of("Ⱥ") == Words{"ⱥ"});  // two bytes and three
  CHECK(words_of("ΟΔΥΣΣΕΥΣ Σ Σίσυφος") == Words{"οδυσσευς", "σ", "σίσυφος"});
}

TEST_CASE("marks need a letter before them, and format characters are not there") {
  CHECK(words_of("❤\xEF\xB8\x8F 1\xEF\xB8\x8F\xE2\x83\xA3") == Words{"1\xEF\xB8\x8F\xE2\x83\xA3"});
  CHECK(words_of("Wort\xC2\xAD"
                 "trennung") == Words{"worttrennung"});
  CHECK(words_of("\xEF\xBB\xBF"
                 "a\xE2\x80\x8B"
                 "b") == Words{"a", "b"});  // a byte order mark, a zero-width space
}

TEST_CASE("bytes that are not UTF-8 separate") {
  CHECK(words_of("caf\xC3\xA9 na\xEFve\xE2\x82") == Words{"café", "na", "ve"});
  CHECK(words_of("\xFF\xFE").empty());
  CHECK(words_of("").empty());
}

TEST_CASE("words of every code point are those that Python makes") {
  CHECK(digest_of_all_code_points(unroll::UnicodeWordTokenizer{}) == 0xb90a5bfdaeadb3e9u);
}

TEST_CASE("words of random texts are those that Python makes") {
  constexpr std::uint32_t ends[] = {0x80, 0x600, 0x3400, 0x110000};
  Digest digest;
  std::uint64_t state = 1;
  for (int n = 0; n < 50'000; ++n) {
    std::string text;
    for (int k = 0; k < 12; ++k) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const auto point = static_cast<std::uint32_t>((state >> 20) % ends[state >> 62]);
      if (point >= 0xD800 && point < 0xE000)
        text += ' ';
      else
        append_utf8(text, point);
    }
    add_tokens(digest, unroll::UnicodeWordTokenizer{}, text);
  }
  CHECK(digest.value == 0x48cae5d52fdb0da7u);
}
