// Bodies of data/conll.hpp.
#pragma once

#include <algorithm>
#include <functional>
#include <set>
#include <string_view>
#include <utility>

#include <unroll/data/conll.hpp>
#include <unroll/data/records.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION Index TaggedSentences::word_count() const {
  std::size_t count = 0;
  for (const auto& sentence : words) count += sentence.size();
  return static_cast<Index>(count);
}
UNROLL_FUNCTION std::vector<std::string> TaggedSentences::tag_names() const {
  std::set<std::string> names;
  for (const auto& sentence : tags) names.insert(sentence.begin(), sentence.end());
  return {names.begin(), names.end()};
}

namespace detail {

/// Sentences while they are read, line by line.
class ConllReader {
 public:
  ConllReader(const std::filesystem::path& path, const ConllOptions& options)
      : options_(options),
        universal_(options.format == ConllFormat::conll_u),
        word_(options.word.value_or(universal_ ? 1 : 0)),
        tag_(options.tag.value_or(universal_ ? 3 : -1)),
        known_(options.tag_names.begin(), options.tag_names.end()),
        lines_{.read = options.read, .max_bytes = options.max_bytes, .format = TextFormat::tsv},
        records_(path, lines_) {
    while (std::ssize(all_.words) < options_.limit && records_.next([](Index, std::string_view) {}) > 0)
      if (records_.text().find_first_not_of(" \t") == std::string_view::npos)
        end_sentence();
      else
        take_line();
    if (std::ssize(all_.words) < options_.limit) end_sentence();
    require<FormatError>(!all_.words.empty(), path.string(), ": has no sentence",
                         dropped_ ? " whose tags are all in tag_names" : "");
  }
  TaggedSentences finish() { return std::move(all_); }

 private:
  void take_line() {
    if (universal_ && records_.text().starts_with('#')) return;
    split();
    if (universal_ && !is_word(columns_[0])) return;
    const std::string_view word = column(word_, "word");
    if (!universal_ && word == "-DOCSTART-") return;
    const std::string_view tag = column(tag_, "tag");
    if (tag.data() == word.data())
      records_.refuse("columns: ", columns_.size(), ", expected a column for the tag beside the word's");
    if (!known_.empty() && !known_.contains(tag)) {
      if (options_.unseen == UnseenTag::error)
        records_.refuse("tag '", tag.substr(0, 100), "' of '", word.substr(0, 100), "' is none of the ", known_.size(),
                        " in tag_names");
      drop_ = true;
    }
    words_.emplace_back(word);
    tags_.emplace_back(tag);
  }
  void end_sentence() {
    dropped_ |= drop_;
    if (!words_.empty() && !drop_) {
      all_.words.push_back(std::move(words_));
      all_.tags.push_back(std::move(tags_));
    }
    words_.clear();
    tags_.clear();
    drop_ = false;
  }
  void split() {
    columns_.clear();
    std::string_view rest = records_.text();
    if (universal_) {
      for (std::size_t tab; (tab = rest.find('\t')) != std::string_view::npos; rest.remove_prefix(tab + 1))
        columns_.push_back(rest.substr(0, tab));
      columns_.push_back(rest);
      return;
    }
    constexpr std::string_view between = " \t";
    for (std::size_t first; (first = rest.find_first_not_of(between)) != std::string_view::npos;) {
      rest.remove_prefix(first);
      const std::size_t size = (std::min)(rest.find_first_of(between), rest.size());
      columns_.push_back(rest.substr(0, size));
      rest.remove_prefix(size);
    }
  }
  std::string_view column(Index number, std::string_view what) const {
    const Index at = number < 0 ? std::ssize(columns_) + number : number;
    if (at < 0 || at >= std::ssize(columns_))
      records_.refuse("columns: ", columns_.size(), ", expected the ", what, " in column ", number);
    const std::string_view text = columns_[static_cast<std::size_t>(at)];
    if (text.empty()) records_.refuse("the ", what, " in column ", number, " is empty");
    return text;
  }
  /// Of a line that begins with 5, and not 3-4 or 8.1.
  bool is_word(std::string_view number) const {
    constexpr std::string_view digits = "0123456789";
    const std::size_t end = number.find_first_not_of(digits);
    const bool is_range = end != std::string_view::npos && end > 0 && (number[end] == '-' || number[end] == '.') &&
                          end + 1 < number.size() &&
                          number.find_first_not_of(digits, end + 1) == std::string_view::npos;
    if (number.empty() || (end != std::string_view::npos && !is_range))
      records_.refuse("begins with '", number.substr(0, 100), "', expected the number of a word, as in CoNLL-U");
    return !is_range;
  }

  const ConllOptions& options_;
  bool universal_;
  Index word_, tag_;
  std::set<std::string, std::less<>> known_;
  ReadOptions lines_;
  Records records_;
  std::vector<std::string_view> columns_;  // of the line
  std::vector<std::string> words_, tags_;  // of the sentence
  bool drop_ = false, dropped_ = false;
  TaggedSentences all_;
};

}  // namespace detail

UNROLL_FUNCTION TaggedSentences read_conll(const std::filesystem::path& path, const ConllOptions& options) {
  require(options.limit > 0, "read_conll: limit is ", options.limit, ", expected at least 1");
  require(options.format <= ConllFormat::conll_u, "read_conll: format ", static_cast<int>(options.format),
          ", expected columns or conll_u");
  require(options.unseen == UnseenTag::error || !options.tag_names.empty(),
          "read_conll: unseen tags are to be dropped, expected tag_names to say which were seen");
  return detail::ConllReader(path, options).finish();
}

}  // namespace unroll::inline UNROLL_ABI
