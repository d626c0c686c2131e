// Bodies of train/history.hpp.
#pragma once

#include <cstdio>
#include <ostream>

#include <unroll/train/history.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION std::optional<double> EpochLog::find(std::string_view name) const {
  const auto of = [&](const Evaluation& e, std::string_view which) -> std::optional<double> {
    if (which == "loss") return e.loss;
    if (which == "accuracy" && e.count > 0) return e.accuracy;
    return std::nullopt;
  };
  if (const auto found = metrics.find(name); found != metrics.end()) return found->second;
  if (name == "gradient_norm") return gradient_norm;
  if (name == "largest_gradient_norm") return largest_gradient_norm;
  if (name == "clipped") return clipped;
  if (name == "rate") return rate;
  if (name == "seconds") return seconds;
  if (!name.starts_with("val_")) return of(training, name);
  return validation ? of(*validation, name.substr(4)) : std::nullopt;
}

UNROLL_FUNCTION std::ostream& operator<<(std::ostream& out, const EpochLog& log) {
  std::string text;
  const auto add = [&](std::string_view name, double value, int digits) {
    char number[64];
    std::snprintf(number, sizeof number, "%.*f", digits, value);
    text += concat(text.empty() ? "" : ", ", name, " ", std::string_view(number));
  };
  add("loss", log.training.loss, 4);
  if (log.training.count > 0) add("accuracy", log.training.accuracy, 4);
  if (log.validation) {
    add("val_loss", log.validation->loss, 4);
    if (log.validation->count > 0) add("val_accuracy", log.validation->accuracy, 4);
  }
  for (const auto& [name, value] : log.metrics) add(name, value, 4);
  text += concat(", gradient norm ", static_cast<float>(log.gradient_norm), " (largest ",
                 static_cast<float>(log.largest_gradient_norm));
  if (log.clipped > 0) add("clipped", 100 * log.clipped, 0), text += " %";
  text += concat("), rate ", log.rate);
  add("time", log.seconds, 1);
  return out << text << " s";
}

UNROLL_FUNCTION std::vector<double> History::series(std::string_view name) const {
  std::vector<double> values;
  for (const EpochLog& log : epochs)
    if (const auto value = log.find(name)) values.push_back(*value);
  return values;
}

UNROLL_FUNCTION std::ostream& operator<<(std::ostream& out, const History& history) {
  for (const EpochLog& log : history.epochs) out << "epoch " << log.epoch << ": " << log << '\n';
  if (!history.message.empty()) out << history.message << '\n';
  return out;
}

namespace detail {
UNROLL_FUNCTION Record to_record(const EpochLog& log) {
  const Evaluation none, &v = log.validation ? *log.validation : none;
  Record record;
  record.set("numbers",
             std::vector<double>{log.training.loss, log.training.accuracy, v.loss, v.accuracy, log.gradient_norm,
                                 log.largest_gradient_norm, log.clipped, log.rate, log.seconds});
  record.set("counts",
             std::vector<std::int64_t>{log.epoch, log.training.count, log.validation ? 1 : 0, v.count, log.sequences});
  for (const auto& [name, value] : log.metrics) record.set(concat("metrics.", name), value);
  return record;
}
UNROLL_FUNCTION EpochLog log_from_record(const Record& record) {
  const auto& n = record.get<std::vector<double>>("numbers");
  record.check(n.size() == 9, "an epoch of the history has ", n.size(), " numbers, expected 9");
  const auto& saved = record.counts("counts", 5);
  const std::vector<Index> k(saved.begin(), saved.end());
  record.check(k[2] <= 1, "an epoch of the history has ", k[2], " validations, expected 0 or 1");
  EpochLog log{.epoch = k[0],
               .training = {n[0], n[1], k[1]},
               .validation = {},
               .gradient_norm = n[4],
               .largest_gradient_norm = n[5],
               .clipped = n[6],
               .rate = n[7],
               .seconds = n[8],
               .sequences = k[4],
               .metrics = {}};
  if (k[2] != 0) log.validation = Evaluation{n[2], n[3], k[3]};
  const Record metrics = record.part("metrics");
  for (const auto& [name, value] : metrics.values()) log.metrics[name] = metrics.number(name);
  return log;
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
