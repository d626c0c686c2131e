// Bodies of data/readers.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/data/byte_source.hpp>
#include <unroll/data/label_numbers.hpp>
#include <unroll/data/readers.hpp>
#include <unroll/data/records.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// Why a line without the fields that are due is refused, and what may help.
[[noreturn]] inline void refuse_fields(const Records& records, const ReadOptions& options, Index got, Index expected) {
  if (options.format != TextFormat::csv && records.text().empty())
    records.refuse("an empty line: {.skip_empty_lines = true} skips it");
  if (options.format == TextFormat::label_text) records.refuse("no tab, expected label<TAB>text");
  records.refuse("fields: ", got, ", expected ", expected);
}

/// Where label and text are in a record, and how many fields there are; -1 for what is not known.
struct Layout {
  Index label = -1, text = -1, fields = -1;
};

/// The columns of those names in the header line, which is read; or by their numbers.
inline Layout read_layout(Records& records, const ReadOptions& options) {
  Layout at{options.label.number(), options.text.number(), -1};
  if (!has_header(options)) return at;
  std::string names;
  const auto find = [&](const Column& column, Index& number, Index k, std::string_view name) {
    if (column.name() != name || !column.has_name()) return;
    if (number >= 0) records.refuse("two columns '", name, "'");
    number = k;
  };
  at.fields = records.next([&](Index k, std::string_view name) {
    find(options.label, at.label, k, name);
    find(options.text, at.text, k, name);
    if (names.size() < 200) names += concat_text(k == 0 ? "" : ", ", name.substr(0, 100));
  });
  for (const auto& [column, number] : {std::pair{&options.label, at.label}, std::pair{&options.text, at.text}})
    if (number < 0) records.refuse("no column '", column->name(), "' in the header line: ", names);
  if (options.format == TextFormat::label_text) at.fields = -1;
  return at;
}

/// The labels and texts of a file of lines or fields, one after the other.
class LabelledRecords {
 public:
  /// All three outlive this.
  LabelledRecords(const std::filesystem::path& path, const ReadOptions& options, LabelNumbers& numbers)
      : options_(options), numbers_(numbers), records_(path, options), at_(read_layout(records_, options)) {}

  /// `max_bytes` are counted anew.
  void begin_part() { records_.count_bytes_from_here(); }
  /// Appends the next ones, at most so many.
  void read(Index most, LabelledTexts& data) {
    for (Index k = 0; k < most; ++k) {
      const Index fields = records_.next([&](Index field, std::string_view of) {
        if (field == at_.label) label_ = of;
        if (field == at_.text) text_ = of;
      });
      if (fields == 0) break;
      if (at_.fields < 0) at_.fields = options_.format == TextFormat::label_text ? 2 : fields;
      if (fields != at_.fields) refuse_fields(records_, options_, fields, at_.fields);
      if ((std::max)(at_.label, at_.text) >= fields)
        refuse_fields(records_, options_, fields, (std::max)(at_.label, at_.text) + 1);
      if (label_.empty())
        records_.refuse(options_.format == TextFormat::label_text ? "no label before the tab" : "no label");
      const Index number = numbers_(label_);
      if (number < 0)
        records_.refuse("unknown label '", label_, "'",
                        first_line_ == 0 ? ": if this line names the columns, say {.header = true}" : "");
      if (first_line_ == 0) first_line_ = records_.line();
      data.labels.push_back(number);
      data.texts.push_back(text_);
    }
  }
  /// Where the first text was; 0: there was none.
  Index first_line() const { return first_line_; }

 private:
  const ReadOptions& options_;
  LabelNumbers& numbers_;
  Records records_;
  Layout at_;
  std::string label_, text_;
  Index first_line_ = 0;
};

inline void read_records(const std::filesystem::path& path, const ReadOptions& options, LabelNumbers& numbers,
                         LabelledTexts& data) {
  LabelledRecords records(path, options, numbers);
  records.read(options.limit, data);
  require<FormatError>(data.size() > 0, path.string(), ": has no texts");
  require<FormatError>(data.size() <= 20 || !numbers.all_distinct(data.labels), path.string(), ": ", data.size(),
                       " texts have as many labels: does the text come first? TextFormat::tsv reads any columns");
  if (!options.header.has_value() && numbers.first_is_header(data.labels, data.texts[0]))
    fail<FormatError>(path.string(), ":", records.first_line(),
                      ": looks like the names of columns: {.header = true} skips it, ",
                      "{.header = false} takes it as a text");
}

/// The .txt files of a folder by the number their name begins with, those without one last, then by name.
inline std::vector<std::filesystem::path> text_files(const std::filesystem::path& folder) {
  std::vector<std::pair<std::int64_t, std::string>> files;  // sorted as LabelNumbers sorts: the same code
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() != ".txt") continue;
    const std::string name = entry->path().filename().string();
    std::int64_t id = 0;
    if (name.starts_with('-') || std::from_chars(name.data(), name.data() + name.size(), id).ec != std::errc())
      id = (std::numeric_limits<std::int64_t>::max)();
    files.emplace_back(id, name);
  }
  require<FormatError>(!error && !files.empty(), folder.string(), ": expected a folder with .txt files");
  std::ranges::sort(files);
  std::vector<std::filesystem::path> paths;
  for (const auto& [id, name] : files) paths.push_back(folder / name);
  return paths;
}

/// Reads neg/*.txt and pos/*.txt in turn.
inline void read_folder(const std::filesystem::path& folder, const ReadOptions& options, LabelNumbers& numbers,
                        LabelledTexts& data) {
  const std::pair<std::string, std::vector<std::filesystem::path>> classes[] = {{"neg", text_files(folder / "neg")},
                                                                                {"pos", text_files(folder / "pos")}};
  const std::size_t rounds = (std::max)(classes[0].second.size(), classes[1].second.size());
  std::uint64_t bytes = 0;
  for (std::size_t k = 0; k < rounds; ++k)
    for (const auto& [label, files] : classes) {
      if (k >= files.size() || static_cast<Index>(data.size()) >= options.limit) continue;
      data.labels.push_back(numbers(label));
      require<FormatError>(data.labels.back() >= 0, folder.string(), ": unknown label '", label, "'");
      data.texts.emplace_back();
      TextStream(files[k], options).append_rest(data.texts.back());
      bytes += data.texts.back().size();
      if (bytes > options.max_bytes) refuse_size(folder, options.max_bytes);
    }
}

}  // namespace detail

UNROLL_FUNCTION LabelledTexts read_labelled_text(const std::filesystem::path& path, const ReadOptions& options) {
  detail::check(options, "read_labelled_text");
  LabelledTexts data;
  std::error_code error;
  const bool folder = std::filesystem::is_directory(path, error);
  detail::LabelNumbers numbers(options.label_names);
  (folder ? detail::read_folder : detail::read_records)(path, options, numbers, data);
  data.label_names = numbers.finish(data.labels);
  return data;
}

}  // namespace unroll::inline UNROLL_ABI
