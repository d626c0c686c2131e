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
  std::vector<std::string> metrics = {};  ///< columns for what callbacks add to the log

  UNROLL_API void on_train_begin(Run& run);
  UNROLL_API void on_epoch_end(Run& run);

 private:
  void write(const std::string& text) const;

  std::string table(const History& history) const;
  std::string line(const EpochLog& log) const;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/csv_log.ipp>
#endif
