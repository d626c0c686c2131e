// A line of a text file of word vectors: a word and its numbers.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI::detail {

inline constexpr std::string_view between_fields = " \t";

/// A number as text, rounded once to a float where it is in the range of floats; nothing where it is none.
inline std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto parse = [&]<class T>(T value) -> std::optional<double> {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return as<double>(value);
  };
  const auto value = parse(0.0f);
  return value ? value : parse(0.0);
}

/// The fields of a line, which ends in none of the characters between them.
inline std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (!line.empty()) {
    const std::size_t size = (std::min)(line.find_first_of(between_fields), line.size());
    fields.push_back(line.substr(0, size));
    line.remove_prefix((std::min)(line.find_first_not_of(between_fields, size), line.size()));
  }
  return fields;
}

/// `words numbers`, if that is what a line is; a number that is too large is -1.
struct WordVectorHeader {
  std::int64_t words = 0, width = 0;

  static std::optional<WordVectorHeader> of(std::string_view line) {
    const auto fields = fields_of(line);
    if (fields.size() != 2) return std::nullopt;
    WordVectorHeader header;
    for (const auto& [text, value] : {std::pair(fields[0], &header.words), std::pair(fields[1], &header.width)}) {
      if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
      if (std::from_chars(text.data(), text.data() + text.size(), *value).ec != std::errc()) *value = -1;
    }
    return header;
  }
};

/// Where a line's word ends and its numbers begin.
struct WordVectorLine {
  std::string_view word{}, numbers{};
  Index found = 0;  ///< how many numbers there are; where that is not the width, the line is wrong

  /// `line` ends in none of the characters between fields, and begins with none. Where none but spaces and none twice
  /// separate as many fields as there should be, which is nearly always, nothing is looked at but them.
  WordVectorLine(std::string_view line, Index width) {
    found = std::ranges::count(line, ' ');
    if (found == width && line.find('\t') == std::string_view::npos && line.find("  ") == std::string_view::npos) {
      word = line.substr(0, line.find(' '));
      numbers = line.substr((std::min)(word.size() + 1, line.size()));
      return;
    }
    const auto fields = fields_of(line);
    found = static_cast<Index>(fields.size()) - 1;
    if (found < width) return;
    const auto behind = fields.begin() + (found - width + 1);  // the word's fields
    if (std::any_of(fields.begin() + 1, behind, [](std::string_view field) { return parse_number(field).has_value(); }))
      return;
    found = width;
    word = line.substr(0, static_cast<std::size_t>((behind - 1)->data() + (behind - 1)->size() - line.data()));
    numbers = behind == fields.end() ? std::string_view()
                                     : line.substr(static_cast<std::size_t>(behind->data() - line.data()));
  }

  /// How many numbers the first line has: those at its end, but not its word.
  static Index width_of(std::string_view line) {
    const auto fields = fields_of(line);
    Index width = 0;
    for (std::size_t k = fields.size(); k-- > 1 && parse_number(fields[k]);) ++width;
    return width;
  }
};

}  // namespace unroll::inline UNROLL_ABI::detail
