// How text files are read: format, columns, limits.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
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
  UNROLL_API Column(std::string name);
  UNROLL_API Column(const char* name);

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

UNROLL_API void check(const ReadOptions& options, std::string_view who);
/// Whether the first line names the columns.
UNROLL_API bool has_header(const ReadOptions& options);

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/read_options.ipp>
#endif
