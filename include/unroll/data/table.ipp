// Bodies of data/table.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <limits>
#include <system_error>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/data/records.hpp>
#include <unroll/data/table.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// For a message, which does not grow with a header line that has too much in it.
inline std::string listed(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& each : names)
    if (all.size() < 200) all += concat_text(all.empty() ? "" : ", ", std::string_view(each).substr(0, 100));
  return all;
}
}  // namespace detail

UNROLL_FUNCTION Index DataTable::column(std::string_view name) const {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) fail("DataTable: no column '", name, "', has ", detail::listed(names));
  return at - names.begin();
}
UNROLL_FUNCTION Matrix<float> DataTable::select(std::span<const std::string> of) const {
  Matrix<float> some(static_cast<Index>(of.size()), rows());
  for (Index k = 0; k < some.rows(); ++k) some.row(k) = values.row(column(of[static_cast<std::size_t>(k)]));
  return some;
}

namespace detail {
inline bool is_missing(std::string_view field) {
  if (field.size() > 4) return false;
  for (const std::string_view word : {"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"})
    if (field == word) return true;
  return false;
}
inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// A table while it is read, row by row.
class TableReader {
 public:
  TableReader(const std::filesystem::path& path, const TableOptions& options)
      : options_(options),
        format_{.read = options.read,
                .max_bytes = options.max_bytes,
                .format = TextFormat::csv,
                .delimiter = options.delimiter,
                .skip_empty_lines = true},
        records_(path, format_) {
    read_header();
    const float none = std::numeric_limits<float>::quiet_NaN();
    row_.assign(table_.names.size(), none);
    for (;;) {
      bool whole = true;
      const Index fields = records_.next([&](Index k, std::string_view field) {
        if (k < static_cast<Index>(places_.size())) whole &= take(places_[static_cast<std::size_t>(k)], field);
      });
      if (fields == 0) break;
      if (fields != static_cast<Index>(places_.size()))
        records_.refuse("fields: ", fields, ", expected ", places_.size());
      if (whole || options_.missing != Missing::drop_row)
        keep_row();
      else if (options_.time.size() > 0)
        times_.pop_back();
    }
    require<FormatError>(rows_ > 0, path.string(), ": has no row",
                         options_.missing == Missing::drop_row ? " in which nothing is missing" : "");
  }
  DataTable finish() {
    const auto D = static_cast<Index>(table_.names.size());
    const auto matrix = [&](const std::vector<float>& from) {
      return Matrix<float>(Eigen::Map<const Eigen::MatrixXf>(from.data(), D, from.empty() ? 0 : rows_));
    };
    table_.values = matrix(values_);
    table_.times = std::move(times_);
    if (options_.missing == Missing::carry_forward || options_.missing == Missing::keep) add_mask();
    return std::move(table_);
  }

 private:
  static constexpr Index nowhere = -1, time = -2;

  void read_header() {
    std::vector<std::string> names;
    records_.next([&](Index, std::string_view name) { names.emplace_back(trimmed(name)); });
    const auto find = [&](const std::string& name) {
      const auto at = std::find(names.begin(), names.end(), name);
      if (at == names.end()) records_.refuse("no column '", name, "' in the header line: ", listed(names));
      if (std::find(at + 1, names.end(), name) != names.end()) records_.refuse("two columns '", name, "'");
      return static_cast<std::size_t>(at - names.begin());
    };
    places_.assign(names.size(), nowhere);
    if (!options_.time.empty()) places_[find(options_.time)] = time;
    table_.names = options_.columns;
    if (table_.names.empty())
      for (std::size_t k = 0; k < names.size(); ++k)
        if (places_[k] != time) table_.names.push_back(names[k]);
    for (std::size_t k = 0; k < table_.names.size(); ++k) {
      Index& place = places_[find(table_.names[k])];
      require(place == nowhere, "read_table: column '", table_.names[k], "' is asked for twice");
      place = static_cast<Index>(k);
    }
  }
  /// Whether there is something in the field.
  bool take(Index place, std::string_view field) {
    if (place == nowhere) return true;
    field = trimmed(field);
    if (place == time) {
      take_time(field);
      return true;
    }
    const auto k = static_cast<std::size_t>(place);
    const char* begin = field.data();
    if (field.size() > 1 && field.front() == '+' && field[1] != '-') ++begin;
    double number = 0;
    const auto [end, error] = std::from_chars(begin, field.data() + field.size(), number);
    if (error == std::errc() && end == field.data() + field.size() && has_finite_bits(static_cast<float>(number))) {
      row_[k] = static_cast<float>(number);
      return true;
    }
    const std::string& name = table_.names[k];
    if (!is_missing(field))
      records_.refuse("column '", name, "' is '", field.substr(0, 100), "', expected a number; columns of numbers are ",
                      "named in {.columns = ..}");
    if (options_.missing == Missing::error)
      records_.refuse("column '", name, "' has no number: {.missing = ..} says what then");
    if (options_.missing == Missing::carry_forward && !has_finite_bits(row_[k]))
      records_.refuse("column '", name, "' has no number, and none before it to carry forward");
    if (options_.missing == Missing::keep) row_[k] = std::numeric_limits<float>::quiet_NaN();
    holes_.push_back(rows_ * static_cast<Index>(row_.size()) + place);
    return false;
  }
  void take_time(std::string_view field) {
    std::int64_t at = 0;
#if defined(__cpp_exceptions)
    try {
      at = parse_time(field);
    } catch (const FormatError& e) {
      records_.refuse("column '", options_.time, "': ", e.what());
    }
#else
    at = parse_time(field);
#endif
    if (at < last_time_)
      records_.refuse("column '", options_.time, "': ", field, " is before the time of the row above");
    last_time_ = at;
    times_.push_back(at);
  }
  void keep_row() {
    values_.insert(values_.end(), row_.begin(), row_.end());
    ++rows_;
  }
  void add_mask() {
    const Index D = table_.values.rows();
    table_.mask = Matrix<float>::Ones(D, rows_);
    table_.since = Matrix<float>::Zero(D, rows_);
    for (const Index hole : holes_) table_.mask.data()[hole] = 0;
    for (Index d = 0; d < D; ++d)
      for (Index t = 0, last = 0; t < rows_; ++t) {
        if (table_.mask(d, t) > 0) last = t;
        const auto at = [&](Index row) {
          return table_.times.empty() ? std::int64_t{row} : table_.times[static_cast<std::size_t>(row)];
        };
        table_.since(d, t) = static_cast<float>(at(t) - at(last));
      }
  }

  const TableOptions& options_;
  ReadOptions format_;
  Records records_;
  std::vector<Index> places_;  ///< of each field: a column of the table, the time, or nowhere
  DataTable table_;
  std::vector<float> row_, values_;
  std::vector<std::int64_t> times_;
  std::vector<Index> holes_;
  std::int64_t last_time_ = (std::numeric_limits<std::int64_t>::min)();
  Index rows_ = 0;
};
}  // namespace detail

UNROLL_FUNCTION DataTable read_table(const std::filesystem::path& path, const TableOptions& options) {
  require(options.delimiter != '"' && options.delimiter != '\n' && options.delimiter != '\r',
          "read_table: the delimiter is a quote or ends a line");
  return detail::TableReader(path, options).finish();
}

}  // namespace unroll::inline UNROLL_ABI
