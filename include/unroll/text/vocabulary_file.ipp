// Bodies of text/vocabulary_file.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <unroll/core/error.hpp>
#include <unroll/file/read_file.hpp>
#include <unroll/file/replace_file.hpp>
#include <unroll/text/lines.hpp>
#include <unroll/text/vocabulary_file.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

inline constexpr std::string_view vocabulary_magic = "unroll-vocabulary";
inline constexpr std::string_view vocabulary_version = "1";
inline constexpr std::string_view escaped_bytes{"\\\n\r\0", 4};
inline constexpr std::string_view escape_letters = "\\nr0";

inline std::string escape(std::string_view token) {
  std::string line;
  for (const char c : token) {
    const std::size_t k = escaped_bytes.find(c);
    if (k == std::string_view::npos)
      line += c;
    else
      line += {'\\', escape_letters[k]};
  }
  return line;
}

/// Appends what the line stands for, which is no longer than the line.
template <class... Where> std::string_view unescape(std::string_view line, std::string& to, const Where&... where) {
  const std::size_t begin = to.size();
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      to += line[i];
      continue;
    }
    const std::size_t k = ++i < line.size() ? escape_letters.find(line[i]) : std::string_view::npos;
    require<FormatError>(k != std::string_view::npos, where..., "expected \\n, \\r, \\0 or \\\\ where there is a \\");
    to += escaped_bytes[k];
  }
  return std::string_view(to).substr(begin);
}

inline std::string unknown_suffix(const Vocabulary& vocabulary) {
  return vocabulary.unknown() == Vocabulary::oov_token ? "" : ' ' + escape(vocabulary.unknown());
}

}  // namespace detail

UNROLL_FUNCTION std::string vocabulary_text(const Vocabulary& vocabulary) {
  std::string text =
      concat_text(detail::vocabulary_magic, ' ', detail::vocabulary_version, ' ', vocabulary.tokenizer().name(), ' ',
                  vocabulary.size(), detail::unknown_suffix(vocabulary), '\n');
  for (const std::string& token : vocabulary.tokens()) (text += detail::escape(token)) += '\n';
  return text;
}
UNROLL_FUNCTION void save_vocabulary(const std::filesystem::path& path, const Vocabulary& vocabulary) {
  const std::string text = vocabulary_text(vocabulary);
  replace_file(path, std::as_bytes(std::span(text)));
}

UNROLL_FUNCTION Vocabulary load_vocabulary(const std::filesystem::path& path, const std::vector<Tokenizer>& known) {
  const std::vector<std::byte> bytes = read_file(path);
  return vocabulary_from_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string(), known);
}
UNROLL_FUNCTION Vocabulary vocabulary_from_text(std::string_view rest, std::string_view source,
                                                const std::vector<Tokenizer>& known) {
  const std::string name(source);
  require<FormatError>(!rest.empty(), name, ": is empty");
  std::string_view header = detail::take_line(rest);
  require<FormatError>(detail::take_until(header, ' ') == detail::vocabulary_magic, name,
                       ":1: not a vocabulary: expected '", detail::vocabulary_magic, " ...'");
  const std::string_view version = detail::take_until(header, ' ');
  require<FormatError>(version == detail::vocabulary_version, name, ":1: format version '", version, "', expected ",
                       detail::vocabulary_version);
  const Tokenizer tokenizer = Tokenizer::from_name<FormatError>(detail::take_until(header, ' '), name + ":1", known);
  std::size_t size = 0;
  const std::string_view number = detail::take_until(header, ' ');
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), size);
  require<FormatError>(error == std::errc() && end == number.data() + number.size(), name, ":1: number of tokens '",
                       number, "'");
  std::string unescaped;  // all tokens, one after another
  unescaped.reserve(rest.size() + Vocabulary::oov_token.size());
  const std::string_view unknown =
      detail::unescape(header.empty() ? Vocabulary::oov_token : header, unescaped, name, ":1: ");

  std::vector<std::string_view> tokens;
  tokens.reserve((std::min)(size, rest.size()));
  std::size_t lines = 0;
  for (; !rest.empty(); ++lines) {
    const std::string_view line = detail::take_line(rest);
    if (lines < size) tokens.push_back(detail::unescape(line, unescaped, name, ":", lines + 2, ": "));
  }
  require<FormatError>(lines == size, name, ": ", lines, " tokens, expected ", size);
  return Vocabulary::from_tokens<FormatError>(tokens, tokenizer, name, unknown);
}

}  // namespace unroll::inline UNROLL_ABI
