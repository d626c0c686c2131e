// Bodies of data/read_options.hpp.
#pragma once

#include <unroll/core/error.hpp>
#include <unroll/data/read_options.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION Column::Column(std::string name) : name_(std::move(name)) {
  require(!name_.empty(), "Column: the name is empty");
}
UNROLL_FUNCTION Column::Column(const char* name) : Column(std::string(name != nullptr ? name : "")) {}

namespace detail {
UNROLL_FUNCTION void check(const ReadOptions& options, std::string_view who) {
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

UNROLL_FUNCTION bool has_header(const ReadOptions& options) {
  return options.header.value_or(options.label.has_name() || options.text.has_name());
}

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
