// The history as a file that spreadsheets and pandas read.
#pragma once

#include <filesystem>
#include <fstream>

#include <unroll/train/callback.hpp>

namespace unroll::inline UNROLL_ABI {

/// Writes one line an epoch, with a header: what is missing is an empty field. A run that is resumed writes the epochs
/// before again. Throws FormatError where it cannot write.
struct CsvLog {
  std::filesystem::path path;
  std::vector<std::string> metrics = {};  ///< columns for what callbacks add to the log

  void on_train_begin(Run& run) {
    std::ofstream file(path, std::ios::trunc);
    for (const char* separator = ""; const std::string& name : columns()) {
      file << separator << name;
      separator = ",";
    }
    file << '\n';
    for (const EpochLog& log : run.history().epochs) write(file, log);
    check(file);
  }
  void on_epoch_end(Run& run) {
    std::ofstream file(path, std::ios::app);
    write(file, run.log());
    check(file);
  }

 private:
  std::vector<std::string> columns() const {
    std::vector<std::string> all{"epoch",        "loss",   "accuracy",      "val_loss",
                                 "val_accuracy", "rate",   "gradient_norm", "largest_gradient_norm",
                                 "clipped",      "seconds"};
    all.insert(all.end(), metrics.begin(), metrics.end());
    return all;
  }
  void write(std::ostream& out, const EpochLog& log) const {
    std::string line = concat(log.epoch);
    for (const std::string& name : columns()) {
      if (name == "epoch") continue;
      line += ',';
      char digits[32];
      if (const auto value = log.find(name))
        line.append(digits, std::to_chars(digits, digits + sizeof digits, *value).ptr);  // the shortest exact form
    }
    out << line << '\n';
  }
  void check(std::ofstream& file) const {
    file.flush();
    require<FormatError>(file.good(), path.string(), ": cannot write");
  }
};

}  // namespace unroll::inline UNROLL_ABI
