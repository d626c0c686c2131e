// The history as a file that spreadsheets and pandas read.
#pragma once

#include <charconv>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/file/replace_file.hpp>
#include <unroll/train/callback.hpp>

namespace unroll::inline UNROLL_ABI {

/// A table with one line an epoch under the names of its columns; what is missing is an empty field. After every epoch
/// the file is replaced as a whole (`replace_file`, where its errors are): a full disk or a kill leaves the table of
/// the epochs before. A run that is resumed has the epochs before in it.
struct CsvLog {
  std::filesystem::path path;
  std::vector<std::string> metrics = {};  ///< columns for what callbacks add to the log

  void on_train_begin(Run& run) { write(table(run.history())); }
  void on_epoch_end(Run& run) { write(table(run.history()) + line(run.log())); }

 private:
  static constexpr std::string_view own_columns[] = {"epoch",        "loss",   "accuracy",      "val_loss",
                                                     "val_accuracy", "rate",   "gradient_norm", "largest_gradient_norm",
                                                     "clipped",      "seconds"};

  void write(const std::string& text) const { replace_file(path, std::as_bytes(std::span(text))); }

  std::string table(const History& history) const {
    std::string text;
    for (const std::string_view name : own_columns) (text += name) += ',';
    for (const std::string& name : metrics) (text += field(name)) += ',';
    text.back() = '\n';
    for (const EpochLog& log : history.epochs) text += line(log);
    return text;
  }
  std::string line(const EpochLog& log) const {
    std::string text = concat(log.epoch);
    for (const std::string_view name : std::span(own_columns).subspan(1)) add_number(text, log.find(name));
    for (const std::string& name : metrics) add_number(text, log.find(name));
    return text += '\n';
  }
  static void add_number(std::string& text, const std::optional<double>& value) {
    text += ',';
    char digits[32];
    if (value)
      text.append(digits, std::to_chars(digits, digits + sizeof digits, *value).ptr);  // the shortest exact form
  }
  /// In quotes where it would not be one field otherwise: RFC 4180.
  static std::string field(const std::string& name) {
    if (name.find_first_of(",\"\r\n") == std::string::npos) return name;
    std::string quoted = "\"";
    for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
    return quoted += '"';
  }
};

}  // namespace unroll::inline UNROLL_ABI
