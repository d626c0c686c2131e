// Bodies of train/history.hpp.
#pragma once

#include <cstdio>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

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

}  // namespace unroll::inline UNROLL_ABI
