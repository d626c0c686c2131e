// Pairs of texts to learn translation from: files of sentences, and three languages that need none.
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
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

/// Something as it is written in each format: in those that are learned, and in those that are held out, by an example.
struct Item {
  std::string target;
  std::vector<std::string> learned;
  std::vector<std::pair<std::string, std::string>> held_out{};  ///< format, source
};

/// "hcae" is "each".
inline Item reverse(unroll::Rng& rng) {
  std::string text;
  for (std::uint64_t n = 3 + rng.below(6); n > 0; --n) text += static_cast<char>('a' + rng.below(12));
  return {{text.rbegin(), text.rend()}, {text}};
}

/// "four thousand and seven" is "4007".
inline std::string in_words(std::uint64_t n, const char* hyphen = "-", const char* joint = " and ") {
  constexpr std::array small{"zero",     "one",     "two",     "three",     "four",     "five",    "six",
                             "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
                             "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
  constexpr std::array tens{"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
  const auto words = [&](std::uint64_t m) { return in_words(m, hyphen, joint); };
  const auto rest = [&](std::uint64_t m, const char* before) { return m == 0 ? "" : before + words(m); };
  if (n < 20) return small[n];
  if (n < 100) return tens[n / 10] + rest(n % 10, hyphen);
  if (n < 1000) return words(n / 100) + " hundred" + rest(n % 100, joint);
  return words(n / 1000) + " thousand" + rest(n % 1000, n % 1000 < 100 ? joint : " ");
}
inline Item numbers(unroll::Rng& rng) {
  const std::uint64_t n = rng.below(10'000);
  return {std::to_string(n),
          {in_words(n)},
          {{"two hundred seven", in_words(n, "-", " ")}, {"seventy two", in_words(n, " ")}}};
}

/// "March 3, 1987" and other ways to write it are "1987-03-03". Of those held out two have a known order and a name of
/// the other length; in the third the year comes first, as in no other.
inline Item dates(unroll::Rng& rng) {
  constexpr std::array months{"January", "February", "March",     "April",   "May",      "June",
                              "July",    "August",   "September", "October", "November", "December"};
  const std::uint64_t day = 1 + rng.below(28), month = 1 + rng.below(12), year = 1950 + rng.below(100);
  const std::string name = months[month - 1], shorter = name.substr(0, 3);
  const std::string d = std::to_string(day), m = std::to_string(month), y = std::to_string(year);
  const auto two_digits = [](const std::string& n) { return n.size() < 2 ? '0' + n : n; };
  return {y + '-' + two_digits(m) + '-' + two_digits(d),
          {name + ' ' + d + ", " + y, d + ' ' + shorter + ' ' + y, d + '.' + m + '.' + y,
           "the " + d + ". of " + name + ' ' + y},
          {{"Mar 3, 1987", shorter + ' ' + d + ", " + y},
           {"3 March 1987", d + ' ' + name + ' ' + y},
           {"1987.3.3", y + '.' + m + '.' + d}}};
}

inline Item draw(std::string_view name, unroll::Rng& rng) {
  return (name == "reverse" ? reverse : name == "numbers" ? numbers : dates)(rng);
}

/// So many pairs of a language in the formats that are learned, no source twice, and no target that is in `known`.
inline Pairs make(std::string_view name, std::size_t count, std::uint64_t seed,
                  const std::set<std::string>& known = {}) {
  Pairs all;
  std::set<std::string> seen;
  for (unroll::Rng rng(seed); all.from.size() < count;) {
    const Item item = draw(name, rng);
    const std::string& source = item.learned[item.learned.size() > 1 ? rng.below(item.learned.size()) : 0];
    if (!known.contains(item.target) && seen.insert(source).second) all.add(source, item.target);
  }
  return all;
}

/// As many in each format that is held out, by its name: what is written like that in no format that is learned.
inline std::map<std::string, Pairs> make_held_out(std::string_view name, std::size_t count, std::uint64_t seed,
                                                  const std::set<std::string>& known) {
  std::map<std::string, Pairs> all;
  unroll::Rng rng(seed);
  for (const auto& [format, source] : draw(name, rng).held_out) all[format];
  const auto is_short = [&](const auto& of) { return of.second.from.size() < count; };
  for (std::set<std::string> seen(known); std::ranges::any_of(all, is_short);) {
    const Item item = draw(name, rng);
    if (!seen.insert(item.target).second) continue;
    for (const auto& [format, source] : item.held_out)
      if (all[format].from.size() < count && std::ranges::find(item.learned, source) == item.learned.end())
        all[format].add(source, item.target);
  }
  return all;
}

}  // namespace tasks
