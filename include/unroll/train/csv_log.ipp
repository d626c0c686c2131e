// Bodies of train/csv_log.hpp.
#pragma once

#include <charconv>
#include <optional>
#include <span>
#include <string_view>

#include <unroll/file/replace_file.hpp>
#include <unroll/train/csv_log.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
inline constexpr std::string_view csv_columns[] = {"epoch",        "loss",   "accuracy",      "val_loss",
                                                   "val_accuracy", "rate",   "gradient_norm", "largest_gradient_norm",
                                                   "clipped",      "seconds"};

inline void add_csv_number(std::string& text, const std::optional<double>& value) {
  text += ',';
  char digits[32];
  if (value) text.append(digits, std::to_chars(digits, digits + sizeof digits, *value).ptr);  // the shortest exact form
}
/// In quotes where it would not be one field otherwise: RFC 4180.
inline std::string csv_field(const std::string& name) {
  if (name.find_first_of(",\"\r\n") == std::string::npos) return name;
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted += '"';
}
}  // namespace detail

UNROLL_FUNCTION void CsvLog::on_train_begin(Run& run) { write(run.history(), nullptr); }
UNROLL_FUNCTION void CsvLog::on_epoch_end(Run& run) { write(run.history(), &run.log()); }
UNROLL_FUNCTION void CsvLog::write(const History& before, const EpochLog* now) const {
  std::vector<std::string> names = metrics;
  const EpochLog* const last = now != nullptr || before.epochs.empty() ? now : &before.epochs.back();
  if (last != nullptr && last->validation)
    for (const auto& [name, value] : last->validation->metrics) names.push_back(concat_text("val_", name));

  std::string text;
  for (const std::string_view name : detail::csv_columns) (text += name) += ',';
  for (const std::string& name : names) (text += detail::csv_field(name)) += ',';
  text.back() = '\n';
  const auto add_line = [&](const EpochLog& log) {
    text += concat_text(log.epoch);
    for (const std::string_view name : std::span(detail::csv_columns).subspan(1))
      detail::add_csv_number(text, log.find(name));
    for (const std::string& name : names) detail::add_csv_number(text, log.find(name));
    text += '\n';
  };
  for (const EpochLog& log : before.epochs) add_line(log);
  if (now != nullptr) add_line(*now);
  replace_file(path, std::as_bytes(std::span(text)));
}

}  // namespace unroll::inline UNROLL_ABI
