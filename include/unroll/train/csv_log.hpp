// The history as a file that spreadsheets and pandas read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <unroll/train/callback.hpp>

namespace unroll::inline UNROLL_ABI {

/// A table with one line an epoch under the names of its columns; what is missing is an empty field. After every epoch
/// the file is replaced as a whole (`replace_file`, where its errors are): a full disk or a kill leaves the table of
/// the epochs before. A run that is resumed has the epochs before in it.
struct CsvLog {
  std::filesystem::path path;
  /// Further columns: what callbacks add to the log, or any other name that EpochLog::find knows. Those of
  /// FitOptions::metrics come by themselves.
  std::vector<std::string> metrics = {};

  UNROLL_API void on_train_begin(Run& run);
  UNROLL_API void on_epoch_end(Run& run);

 private:
  /// The epochs before this one, and this one where it is complete.
  void write(const History& before, const EpochLog* now) const;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/csv_log.ipp>
#endif
