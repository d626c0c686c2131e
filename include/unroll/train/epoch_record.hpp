// An epoch of a history as a record, and back: a run that is resumed has its history.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/metric/confusion_matrix.hpp>
#include <unroll/train/history.hpp>
#include <unroll/train/record.hpp>

namespace unroll::inline UNROLL_ABI {

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
/// Back. Throws for what no `fit` has written.
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

inline Record to_record(const EpochLog& log) {
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
inline EpochLog log_from_record(const Record& record) {
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
