// Tables: columns of numbers and times out of a CSV file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/matrix.hpp>
#include <unroll/data/byte_source.hpp>
#include <unroll/data/calendar.hpp>

namespace unroll::inline UNROLL_ABI {

/// What becomes of a row where a number is missing: an empty field, NA, N/A, NaN, nan, null, NULL or None.
enum class Missing : std::uint8_t {
  error,          ///< FormatError with line and column
  drop_row,       ///< the row is left out
  carry_forward,  ///< the last number of that column stands there too; an error where there is none before
  keep            ///< NaN, which SeriesWindows refuses: for who fills it by the mask
};

struct TableOptions {
  std::vector<std::string> columns = {};  ///< of numbers, by name and in this order; none: all but the time
  std::string time = {};                  ///< the column of times, by name; none: there is none
  Missing missing = Missing::error;
  char delimiter = ',';
  FileReader read = read_plain_file;            ///< `read_gzip_file` reads compressed files too
  std::uint64_t max_bytes = default_max_bytes;  ///< more than that, unpacked, is an error
};

/// A column of the matrices is a row of the file: `values` is a series (D, steps).
struct DataTable {
  std::vector<std::string> names;   ///< (D)
  Matrix<float> values;             ///< (D, rows)
  std::vector<std::int64_t> times;  ///< (rows) seconds since 1970, or none; as written where no zone is
  /// With Missing::carry_forward and keep, else empty: (D, rows) 1 where the file has a number, and how long ago the
  /// last one was, in seconds or, without times, rows; 0 where it is there. Before the first one it is the time since
  /// row 0.
  Matrix<float> mask, since;

  Index rows() const { return values.cols(); }
  /// The number of a column. Throws where there is none of this name.
  UNROLL_API Index column(std::string_view name) const;
  /// Some columns in this order, (names, rows).
  UNROLL_API Matrix<float> select(std::span<const std::string> of) const;
};

/// Reads a CSV file (RFC 4180) whose first line names the columns. Throws FormatError with line and column for a field
/// that is no number or time, a time before that of the row above, a row of more or fewer fields and a name that is not
/// there or there twice; with the path where there is no row. Times are those of `parse_time` (data/calendar.hpp).
UNROLL_API DataTable read_table(const std::filesystem::path& path, const TableOptions& options = {});

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/table.ipp>
#endif
