// Readers: labelled texts out of files and folders.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/data/label_numbers.hpp>
#include <unroll/data/read_options.hpp>
#include <unroll/data/records.hpp>

namespace unroll::inline UNROLL_ABI {

/// Texts and their classes: text i belongs to the class label_names[labels[i]].
struct LabelledTexts {
  std::vector<std::string> texts;
  std::vector<Index> labels;
  std::vector<std::string> label_names;  ///< distinct, sorted: by value if all are integers, else by their bytes

  std::size_t size() const { return texts.size(); }
  bool operator==(const LabelledTexts&) const = default;
};

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
    if (names.size() < 200) names += concat(k == 0 ? "" : ", ", name.substr(0, 100));
  });
  for (const auto& [column, number] : {std::pair{&options.label, at.label}, std::pair{&options.text, at.text}})
    if (number < 0) records.refuse("no column '", column->name(), "' in the header line: ", names);
  if (options.format == TextFormat::label_text) at.fields = -1;
  return at;
}

/// Reads labels and texts out of a file of lines or fields.
inline void read_records(const std::filesystem::path& path, const ReadOptions& options, LabelNumbers& numbers,
                         LabelledTexts& data) {
  Records records(path, options);
  Layout at = read_layout(records, options);
  std::string label, text;
  Index first_line = 0;
  while (static_cast<Index>(data.size()) < options.limit) {
    const Index fields = records.next([&](Index k, std::string_view field) {
      if (k == at.label) label = field;
      if (k == at.text) text = field;
    });
    if (fields == 0) break;
    if (at.fields < 0) at.fields = options.format == TextFormat::label_text ? 2 : fields;
    if (fields != at.fields) refuse_fields(records, options, fields, at.fields);
    if ((std::max)(at.label, at.text) >= fields)
      refuse_fields(records, options, fields, (std::max)(at.label, at.text) + 1);
    if (label.empty())
      records.refuse(options.format == TextFormat::label_text ? "no label before the tab" : "no label");
    const Index number = numbers(label);
    if (number < 0)
      records.refuse("unknown label '", label, "'",
                     data.size() == 0 ? ": if this line names the columns, say {.header = true}" : "");
    if (data.size() == 0) first_line = records.line();
    data.labels.push_back(number);
    data.texts.push_back(text);
  }
  require<FormatError>(data.size() > 0, path.string(), ": has no texts");
  require<FormatError>(data.size() <= 20 || !numbers.all_distinct(data.labels), path.string(), ": ", data.size(),
                       " texts have as many labels: does the text come first? TextFormat::tsv reads any columns");
  if (!options.header.has_value() && numbers.first_is_header(data.labels, data.texts[0]))
    fail<FormatError>(path.string(), ":", first_line, ": looks like the names of columns: {.header = true} skips it, ",
                      "{.header = false} takes it as a text");
}

/// The .txt files of a folder by the number their name begins with, those without one last, then by name.
inline std::vector<std::filesystem::path> text_files(const std::filesystem::path& folder) {
  std::vector<std::pair<std::uint64_t, std::filesystem::path>> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() != ".txt") continue;
    const std::string name = entry->path().filename().string();
    std::uint64_t id = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), id).ec != std::errc())
      id = (std::numeric_limits<std::uint64_t>::max)();
    files.emplace_back(id, entry->path());
  }
  require<FormatError>(!error && !files.empty(), folder.string(), ": expected a folder with .txt files");
  std::ranges::sort(files);
  std::vector<std::filesystem::path> paths;
  for (auto& [id, path] : files) paths.push_back(std::move(path));
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

/// Reads labelled texts from
/// - a file of lines `label<TAB>text`. Lines end at '\n' alone (U+0085 and its like are part of a text), a '\r' before
///   it and a byte order mark are dropped. A label is any string but the empty one; a text may be empty, hold further
///   tabs, and need not be UTF-8 (the tokenizers see to that);
/// - a file of columns, tsv or csv, as the options say: `{.format = TextFormat::csv, .label = "stars", .text =
/// "review"}`.
///   All records have as many fields as the first;
/// - or a folder as the IMDB reviews come in (aclImdb/train): neg/*.txt and pos/*.txt, one text a file, kept as it is.
///   Files are taken in the order of the numbers their names begin with, neg and pos in turn (neg 0, pos 0, neg 1,
///   ...), so that any even `limit` is balanced; where one class has more files, its rest comes last. Label 0 is neg, 1
///   is pos.
///
/// Reads no further than `limit` and `max_bytes`; memory is linear in what is kept. Throws std::invalid_argument for
/// options that contradict each other; FormatError with path and line for a record without its fields or label, an
/// unknown label, a NUL byte, a first line that looks like the names of columns; with the path for what is missing, no
/// regular file, empty, compressed, UTF-16 or larger than `max_bytes`.
inline LabelledTexts read_labelled_text(const std::filesystem::path& path, const ReadOptions& options = {}) {
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
