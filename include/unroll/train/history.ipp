// Bodies of train/history.hpp.
#pragma once

#include <cstdio>
#include <ostream>

#include <unroll/train/history.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// ", <name> <value>"
inline void add_number(std::string& text, std::string_view name, double value, int digits) {
  char number[64];
  std::snprintf(number, sizeof number, "%.*f", digits, value);
  text += concat_text(text.empty() ? "" : ", ", name, " ", std::string_view(number));
}
}  // namespace detail

UNROLL_FUNCTION std::optional<double> Evaluation::find(std::string_view name) const {
  if (const auto found = metrics.find(name); found != metrics.end()) return found->second;
  if (name == "loss") return loss;
  if (name == "accuracy") return count > 0 ? std::optional(accuracy) : std::nullopt;
  return confusion ? confusion->find(name) : std::nullopt;
}

UNROLL_FUNCTION std::ostream& operator<<(std::ostream& out, const Evaluation& evaluation) {
  std::string text;
  detail::add_number(text, "loss", evaluation.loss, 4);
  if (evaluation.count > 0) {
    detail::add_number(text, "accuracy", evaluation.accuracy, 4);
    text += concat_text(" of ", evaluation.count);
  }
  const bool unequal = evaluation.confusion && evaluation.confusion->is_unequal();
  if (unequal) {
    detail::add_number(text, "always the most frequent class", evaluation.confusion->majority_share(), 4);
    detail::add_number(text, "macro F1", evaluation.confusion->macro_f1(), 4);
  }
  for (const auto& [name, value] : evaluation.metrics) detail::add_number(text, name, value, 4);
  if (unequal && evaluation.confusion->classes() <= 12) text += "\n" + evaluation.confusion->str();
  return out << text;
}

namespace detail {
UNROLL_FUNCTION MonitoredName MonitoredName::of(std::string_view name) {
  for (const std::string_view prefix : {"val_", "validation.", "training."})
    if (name.starts_with(prefix)) return {prefix != "training.", name.substr(prefix.size())};
  return {false, name};
}
}  // namespace detail

UNROLL_FUNCTION std::optional<double> EpochLog::find(std::string_view name) const {
  if (const auto found = metrics.find(name); found != metrics.end()) return found->second;
  if (name == "gradient_norm") return gradient_norm;
  if (name == "largest_gradient_norm") return largest_gradient_norm;
  if (name == "clipped") return clipped;
  if (name == "rate") return rate;
  if (name == "seconds") return seconds;
  const auto [of_validation, metric] = detail::MonitoredName::of(name);
  if (!of_validation) return training.find(metric);
  return validation ? validation->find(metric) : std::nullopt;
}

UNROLL_FUNCTION std::ostream& operator<<(std::ostream& out, const EpochLog& log) {
  std::string text;
  const auto add = [&](std::string_view name, double value, int digits) {
    detail::add_number(text, name, value, digits);
  };
  add("loss", log.training.loss, 4);
  if (log.training.count > 0) add("accuracy", log.training.accuracy, 4);
  if (log.validation) {
    add("val_loss", log.validation->loss, 4);
    if (log.validation->count > 0) add("val_accuracy", log.validation->accuracy, 4);
    if (const auto& confusion = log.validation->confusion; confusion && confusion->is_unequal()) {
      add("val_macro_f1", confusion->macro_f1(), 4);
      const Index there = confusion->classes_there();
      if (there < confusion->classes()) text += concat_text(" of ", there, " of ", confusion->classes(), " classes");
    }
    for (const auto& [name, value] : log.validation->metrics) add(concat_text("val_", name), value, 4);
  }
  for (const auto& [name, value] : log.metrics) add(name, value, 4);
  text += concat_text(", gradient norm ", static_cast<float>(log.gradient_norm), " (largest ",
                      static_cast<float>(log.largest_gradient_norm));
  if (log.clipped > 0) add("clipped", 100 * log.clipped, 0), text += " %";
  text += concat_text("), rate ", log.rate);
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
inline Record to_record(const ConfusionMatrix& confusion) {
  Record record;
  std::vector<std::int64_t> counts;
  for (Index truth = 0; truth < confusion.classes(); ++truth)
    for (Index predicted = 0; predicted < confusion.classes(); ++predicted)
      counts.push_back(confusion.count(truth, predicted));
  record.set("counts", counts);
  for (std::size_t k = 0; k < confusion.names().size(); ++k)
    record.set(concat_text("class.", k), confusion.names()[k].c_str());
  return record;
}
inline ConfusionMatrix confusion_from_record(const Record& record) {
  std::vector<std::string> names;
  while (record.contains(concat_text("class.", names.size())))
    names.push_back(record.get<std::string>(concat_text("class.", names.size())));
  record.check(names.size() >= 2 && names.size() <= std::size_t(most_classes_counted), "a confusion matrix of ",
               names.size(), " classes, expected 2 to ", most_classes_counted);
  const auto classes = static_cast<Index>(names.size());
  const auto& counts = record.counts("counts", names.size() * names.size());
  ConfusionMatrix confusion(classes, std::move(names));
  for (std::size_t k = 0; k < counts.size(); ++k)
    confusion.add(static_cast<Index>(k) / classes, static_cast<Index>(k) % classes, static_cast<Index>(counts[k]));
  return confusion;
}
UNROLL_FUNCTION Record to_record(const EpochLog& log) {
  const Evaluation none, &v = log.validation ? *log.validation : none;
  Record record;
  record.set("numbers",
             std::vector<double>{log.training.loss, log.training.accuracy, v.loss, v.accuracy, log.gradient_norm,
                                 log.largest_gradient_norm, log.clipped, log.rate, log.seconds});
  record.set("counts",
             std::vector<std::int64_t>{log.epoch, log.training.count, log.validation ? 1 : 0, v.count, log.sequences});
  for (const auto& [name, value] : log.metrics) record.set(concat_text("metrics.", name), value);
  for (const auto& [name, value] : v.metrics) record.set(concat_text("val_metrics.", name), value);
  if (v.confusion) record.insert("val_confusion", to_record(*v.confusion));
  return record;
}
UNROLL_FUNCTION EpochLog log_from_record(const Record& record) {
  const auto& n = record.get<std::vector<double>>("numbers");
  record.check(n.size() == 9, "an epoch of the history has ", n.size(), " numbers, expected 9");
  const auto& saved = record.counts("counts", 5);
  const std::vector<Index> k(saved.begin(), saved.end());
  record.check(k[2] <= 1, "an epoch of the history has ", k[2], " validations, expected 0 or 1");
  EpochLog log{.epoch = k[0],
               .training = {.loss = n[0], .accuracy = n[1], .count = k[1]},
               .validation = {},
               .gradient_norm = n[4],
               .largest_gradient_norm = n[5],
               .clipped = n[6],
               .rate = n[7],
               .seconds = n[8],
               .sequences = k[4],
               .metrics = {}};
  const auto read_metrics = [&](std::string_view part, MetricValues& to) {
    const Record metrics = record.part(part);
    for (const auto& [name, value] : metrics.values()) to[name] = metrics.number(name);
  };
  read_metrics("metrics", log.metrics);
  if (k[2] == 0) return log;
  log.validation = Evaluation{.loss = n[2], .accuracy = n[3], .count = k[3]};
  read_metrics("val_metrics", log.validation->metrics);
  if (const Record confusion = record.part("val_confusion"); !confusion.empty())
    log.validation->confusion = confusion_from_record(confusion);
  return log;
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
