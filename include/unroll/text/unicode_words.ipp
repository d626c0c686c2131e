// Bodies of text/unicode_words.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <unroll/text/unicode_table.hpp>
#include <unroll/text/unicode_words.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// Finds the run that a code point belongs to. `first_of(run)` is the first code point of a run; that of the first is
/// 0.
template <const auto& runs, auto first_of> struct RunIndex {
  /// The run that holds the first code point of each block of 256.
  static constexpr auto begins = [] {
    std::array<std::uint16_t, 0x1101> found{};
    std::size_t run = 0;
    for (std::uint32_t block = 0; block < found.size(); ++block) {
      while (run + 1 < runs.size() && first_of(runs[run + 1]) <= block << 8) ++run;
      found[block] = static_cast<std::uint16_t>(run);
    }
    return found;
  }();

  static constexpr const auto& find(char32_t point) {
    const std::size_t block = point >> 8;
    const auto behind = std::upper_bound(runs.begin() + begins[block] + 1, runs.begin() + begins[block + 1] + 1, point,
                                         [](char32_t c, const auto& run) { return c < first_of(run); });
    return *(behind - 1);
  }
};

constexpr WordPart word_part(char32_t point) {
  using Index = RunIndex<word_parts, [](std::uint32_t run) { return std::uint32_t{run / 8}; }>;
  return static_cast<WordPart>(Index::find(point) & 7);
}

/// The lower case of a code point, if that is one code point.
constexpr char32_t to_lower(char32_t point) {
  using Index = RunIndex<lower_cases, [](const LowerCase& run) { return run.first; }>;
  const LowerCase& run = Index::find(point);
  if (run.shift == LowerCase::pairs) return point + ((point - run.first) % 2 == 0);
  return static_cast<char32_t>(static_cast<std::int32_t>(point) + run.shift);
}

/// Writes lower-cased words with spaces between them.
struct UnicodeWords {
  using Part = WordPart;
  static constexpr char32_t capital_i_with_dot = 0x0130, dot_above = 0x0307, capital_sigma = 0x03A3,
                            small_sigma = 0x03C3, final_sigma = 0x03C2;
  static constexpr char beyond_ascii = 0;
  static constexpr std::array<char, 256> ascii = [] {
    std::array<char, 256> table{};
    for (std::size_t c = 0; c < 0x80; ++c)
      table[c] = word_part(static_cast<char32_t>(c)) == Part::separator
                     ? ' '
                     : static_cast<char>(to_lower(static_cast<char32_t>(c)));
    return table;
  }();

  static void write(std::string_view text, TokenBuffer& buffer) {
    for (std::size_t at = 0; at < text.size();) {
      const char c = ascii[static_cast<unsigned char>(text[at])];
      if (c != beyond_ascii) [[likely]] {
        buffer.put(c);
        ++at;
        continue;
      }
      const CodePoint point = decode_code_point(text, at);
      at += point.size;
      switch (word_part(point.value)) {
        case Part::separator:
          buffer.put(' ');
          break;
        case Part::letter:
          buffer.put(point.value);
          break;
        case Part::cased:
          write_cased(point.value, text, at, buffer);
          break;
        case Part::symbol:
          buffer.put(' ');
          buffer.put(point.value);
          at = write_marks(text, at, buffer);
          buffer.put(' ');
          break;
        case Part::mark:
          if (buffer.in_token()) buffer.put(point.value);
          break;
        case Part::dropped:
          break;
      }
    }
  }

  /// The lower case of a letter that the text goes on behind.
  static void write_cased(char32_t letter, std::string_view text, std::size_t behind, TokenBuffer& buffer) {
    const bool ends_word = letter == capital_sigma && buffer.in_token() && !word_goes_on(text, behind);
    for_lower_case(letter, ends_word, [&](char32_t lower) { buffer.put(lower); });
  }
  /// Calls on_letter with each code point of a letter's lower case.
  template <class F> static void for_lower_case(char32_t letter, bool ends_word, const F& on_letter) {
    if (letter == capital_i_with_dot) {
      on_letter(U'i');
      on_letter(dot_above);
    } else if (letter == capital_sigma) {
      on_letter(ends_word ? final_sigma : small_sigma);
    } else {
      on_letter(to_lower(letter));
    }
  }
  static bool word_goes_on(std::string_view text, std::size_t at) {
    while (at < text.size()) {
      const CodePoint next = decode_code_point(text, at);
      const Part part = word_part(next.value);
      if (part != Part::dropped) return part == Part::letter || part == Part::cased || part == Part::mark;
      at += next.size;
    }
    return false;
  }
  /// The marks that come next; the place behind them.
  static std::size_t write_marks(std::string_view text, std::size_t at, TokenBuffer& buffer) {
    while (at < text.size()) {
      const CodePoint next = decode_code_point(text, at);
      const Part part = word_part(next.value);
      if (part != Part::mark && part != Part::dropped) break;
      if (part == Part::mark) buffer.put(next.value);
      at += next.size;
    }
    return at;
  }
};

}  // namespace detail

UNROLL_FUNCTION detail::TokenBuffer UnicodeWordTokenizer::write(std::string_view text) {
  detail::TokenBuffer buffer(2 * text.size());  // a symbol of three bytes gets a space on either side
  detail::UnicodeWords::write(text, buffer);
  return buffer;
}
UNROLL_FUNCTION std::vector<std::string> UnicodeWordTokenizer::tokenize(std::string_view text) const {
  return detail::collect_tokens(*this, text);
}

}  // namespace unroll::inline UNROLL_ABI
