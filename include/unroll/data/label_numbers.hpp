// Labels by name and by number.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Numbers labels by their names, once all of them are known.
class LabelNumbers {
 public:
  explicit LabelNumbers(std::vector<std::string> known) : names_(std::move(known)), fixed_(!names_.empty()) {
    for (std::size_t k = 0; k < names_.size(); ++k) number_.emplace(names_[k], static_cast<Index>(k));
    require(number_.size() == names_.size(), "ReadOptions: a label stands twice in label_names");
  }

  /// The number of a label for now, or -1 if it is not a known one.
  Index operator()(std::string_view label) {
    if (const auto found = number_.find(label); found != number_.end()) return found->second;
    if (fixed_) return -1;
    const auto number = static_cast<Index>(names_.size());
    names_.emplace_back(label);
    number_.emplace(label, number);
    return number;
  }

  /// Whether the label that came first looks like the name of a column: it came once, and all others are integers where
  /// it is none, or it and the text beside it are what such columns are called.
  bool first_is_header(const std::vector<Index>& labels, std::string_view text) const {
    if (fixed_ || names_.size() < 2 || std::ranges::count(labels, Index{0}) > 1) return false;
    const auto is_integer = [](const std::string& name) { return integer(name).second; };
    if (!is_integer(names_[0]) && std::all_of(names_.begin() + 1, names_.end(), is_integer)) return true;
    return is_one_of(names_[0],
                     {"label", "labels", "class", "category", "target", "sentiment", "polarity", "rating"}) &&
           is_one_of(text, {"text", "texts", "sentence", "review", "comment", "tweet", "message", "content", "title"});
  }

  bool all_distinct(const std::vector<Index>& labels) const { return !fixed_ && labels.size() == names_.size(); }

  /// The names, sorted unless they were given; the labels are renumbered accordingly.
  std::vector<std::string> finish(std::vector<Index>& labels) {
    if (!fixed_) {
      std::vector<std::pair<std::int64_t, std::string>> sorted;  // each number is read once, not in each comparison
      bool integers = true;
      for (std::string& name : names_) {
        const auto [value, is_integer] = integer(name);
        integers &= is_integer;
        sorted.emplace_back(value, std::move(name));
      }
      if (!integers)
        for (auto& [value, name] : sorted) value = 0;
      std::ranges::sort(sorted);
      std::ranges::transform(sorted, names_.begin(), [](auto& entry) { return std::move(entry.second); });
      std::vector<Index> renumbered(names_.size());
      for (std::size_t k = 0; k < names_.size(); ++k)
        renumbered[static_cast<std::size_t>(number_.at(names_[k]))] = static_cast<Index>(k);
      for (Index& label : labels) label = renumbered[static_cast<std::size_t>(label)];
    }
    return std::move(names_);
  }

 private:
  /// A letter's case does not count.
  static bool is_one_of(std::string_view word, std::initializer_list<std::string_view> names) {
    return std::ranges::any_of(names, [&](std::string_view name) {
      return std::ranges::equal(word, name,
                                [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && (a | 32) == b); });
    });
  }
  static std::pair<std::int64_t, bool> integer(const std::string& name) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
    return {value, error == std::errc() && end == name.data() + name.size()};
  }

  std::vector<std::string> names_;
  std::map<std::string, Index, std::less<>> number_;
  bool fixed_;
};

}  // namespace unroll::inline UNROLL_ABI::detail
