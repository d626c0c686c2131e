// How text files are read: format, columns, limits.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/data/byte_source.hpp>

namespace unroll::inline UNROLL_ABI {

/// What a line is.
enum class TextFormat : std::uint8_t {
  label_text,  ///< `label<TAB>text`; the text may hold further tabs
  tsv,         ///< fields between tabs, no quotes
  csv,         ///< RFC 4180: fields between commas, in quotes where they hold commas, quotes (doubled) or ends of lines
};

/// What ends a line of `label_text` and `tsv`. A file of the other kind is an error that says so. (CSV takes all.)
enum class LineEnd : std::uint8_t {
  line_feed,        ///< '\n', and a '\r' before it is dropped
  carriage_return,  ///< '\r' alone, as on old Macs
};

/// A column: its number from 0, or its name in the header line.
class Column {
 public:
  template <std::integral Number> requires(!std::same_as<Number, bool>)
  Column(Number number) : number_(static_cast<Index>(number)) {
    require(std::in_range<Index>(number) && number_ >= 0, "Column: number ", number, ", expected 0 or more");
  }
  Column(std::string name) : name_(std::move(name)) { require(!name_.empty(), "Column: the name is empty"); }
  Column(const char* name) : Column(std::string(name != nullptr ? name : "")) {}

  bool has_name() const { return !name_.empty(); }
  const std::string& name() const { return name_; }
  Index number() const { return number_; }
  bool operator==(const Column&) const = default;

 private:
  std::string name_;
  Index number_ = -1;
};

struct ReadOptions {
  Index limit = (std::numeric_limits<Index>::max)();  ///< the first so many texts only; no more is read
  /// The classes there are, in the order of their numbers: any other label is an error. Empty: those that occur. Give a
  /// test set those of the training set.
  std::vector<std::string> label_names{};
  FileReader read = read_plain_file;            ///< `read_gzip_file` reads compressed files too
  std::uint64_t max_bytes = default_max_bytes;  ///< more than that, unpacked, is an error
  TextFormat format = TextFormat::label_text;
  char delimiter = ',';  ///< between the fields of a csv: ';' and '\t' are common too
  LineEnd line_end = LineEnd::line_feed;
  bool skip_empty_lines = false;  ///< lines of nothing or of spaces; else they are errors
  /// True: the first line names the columns. False: it is a text. By default it is a text too, but one that looks like
  /// the names of columns is an error; and there are names where a column is asked for by its name.
  std::optional<bool> header{};
  Column label = 0, text = 1;  ///< the columns of a tsv or csv that are read
};

namespace detail {

inline void check(const ReadOptions& options, std::string_view who) {
  require(options.limit > 0, who, ": limit is ", options.limit, ", expected at least 1");
  require(options.format <= TextFormat::csv, who, ": format ", static_cast<int>(options.format),
          ", expected label_text, tsv or csv");
  require(options.line_end <= LineEnd::carriage_return, who, ": line_end ", static_cast<int>(options.line_end),
          ", expected line_feed or carriage_return");
  const char d = options.delimiter;
  require(d != '"' && d != '\n' && d != '\r' && d != '\0', who,
          ": the delimiter is a quote, an end of a line or NUL, expected another character");
  const bool default_columns = options.label == Column(0) && options.text == Column(1);
  require(default_columns || options.format != TextFormat::label_text, who,
          ": columns are chosen from a file of TextFormat::tsv or csv, got label_text");
  require(options.label != options.text, who, ": label and text are the same column");
  require(options.header.value_or(true) || (!options.label.has_name() && !options.text.has_name()), who,
          ": a column has a name, expected a header line");
  for (const std::string& name : options.label_names) require(!name.empty(), who, ": label_names has an empty label");
}

/// Whether the first line names the columns.
inline bool has_header(const ReadOptions& options) {
  return options.header.value_or(options.label.has_name() || options.text.has_name());
}

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
