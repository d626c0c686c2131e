// Pairs of texts to learn translation from: files of sentences, and three languages that need none.
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <iomanip>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/random.hpp>
#include <unroll/data/gzip.hpp>

namespace tasks {

struct Pairs {
  std::vector<std::string> from, to;
  void add(std::string source, std::string target) {
    from.push_back(std::move(source));
    to.push_back(std::move(target));
  }
};

/// One text a line, .gz too.
inline std::vector<std::string> read_lines(const std::filesystem::path& path) {
  std::vector<std::string> all;
  std::istringstream text(unroll::read_gzip_file(path));
  for (std::string line; std::getline(text, line);) all.push_back(line);
  unroll::require<unroll::FormatError>(!all.empty(), path.string(), ": an empty text");
  return all;
}
/// Line n of one file and line n of the other, without pairs that have an empty side.
inline Pairs read_pairs(const std::filesystem::path& from, const std::filesystem::path& to) {
  const std::vector<std::string> sources = read_lines(from), targets = read_lines(to);
  unroll::require<unroll::FormatError>(sources.size() == targets.size(), from.string(), ": ", sources.size(),
                                       " lines, but ", to.string(), " has ", targets.size());
  const auto is_blank = [](const std::string& text) { return text.find_first_not_of(" \t\r") == std::string::npos; };
  Pairs pairs;
  for (std::size_t k = 0; k < sources.size(); ++k)
    if (!is_blank(sources[k]) && !is_blank(targets[k])) pairs.add(sources[k], targets[k]);
  unroll::require<unroll::FormatError>(!pairs.from.empty(), from.string(), ": no pair of texts");
  return pairs;
}

/// "hcae" is "each".
inline void reverse(unroll::Rng& rng, Pairs& to) {
  std::string text;
  for (std::uint64_t n = 3 + rng.below(6); n > 0; --n) text += static_cast<char>('a' + rng.below(12));
  to.add(text, {text.rbegin(), text.rend()});
}

/// "four thousand and seven" is "4007".
inline std::string in_words(std::uint64_t n) {
  constexpr std::array small{"zero",     "one",     "two",     "three",     "four",     "five",    "six",
                             "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
                             "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
  constexpr std::array tens{"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
  const auto rest = [](std::uint64_t m, const char* joint) { return m == 0 ? "" : joint + in_words(m); };
  if (n < 20) return small[n];
  if (n < 100) return tens[n / 10] + rest(n % 10, "-");
  if (n < 1000) return in_words(n / 100) + " hundred" + rest(n % 100, " and ");
  return in_words(n / 1000) + " thousand" + rest(n % 1000, n % 1000 < 100 ? " and " : " ");
}
inline void numbers(unroll::Rng& rng, Pairs& to) {
  const std::uint64_t n = rng.below(10'000);
  to.add(in_words(n), std::to_string(n));
}

/// "March 3, 1987" and other ways to write it are "1987-03-03".
inline void dates(unroll::Rng& rng, Pairs& to) {
  constexpr std::array months{"January", "February", "March",     "April",   "May",      "June",
                              "July",    "August",   "September", "October", "November", "December"};
  const std::uint64_t day = 1 + rng.below(28), month = rng.below(12), year = 1950 + rng.below(100);
  const std::string name = months[month], short_name = name.substr(0, 3);
  std::ostringstream text, iso;
  switch (rng.below(4)) {
    case 0:
      text << name << ' ' << day << ", " << year;
      break;
    case 1:
      text << day << ' ' << short_name << ' ' << year;
      break;
    case 2:
      text << day << '.' << month + 1 << '.' << year;
      break;
    default:
      text << "the " << day << ". of " << name << ' ' << year;
  }
  iso << year << '-' << std::setfill('0') << std::setw(2) << month + 1 << '-' << std::setw(2) << day;
  to.add(text.str(), iso.str());
}

/// So many pairs of a language, no source twice.
inline Pairs make(std::string_view name, std::size_t count, std::uint64_t seed) {
  Pairs all;
  std::vector<std::string> seen;
  for (unroll::Rng rng(seed); all.from.size() < count;) {
    Pairs one;
    (name == "reverse" ? reverse : name == "numbers" ? numbers : dates)(rng, one);
    const auto at = std::ranges::lower_bound(seen, one.from.front());
    if (at != seen.end() && *at == one.from.front()) continue;
    seen.insert(at, one.from.front());
    all.add(one.from.front(), one.to.front());
  }
  return all;
}

}  // namespace tasks
