// Bodies of metric/confusion_matrix.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include <unroll/metric/confusion_matrix.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
inline double ratio(double a, double b) { return b == 0 ? 0 : a / b; }
/// Right-aligned in a column.
inline void append_cell(std::string& text, std::string_view cell, std::size_t width) {
  text.append(width > cell.size() ? width - cell.size() : 0, ' ');
  text += cell;
}
inline std::string fixed3(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", x);
  return text;
}
}  // namespace detail

UNROLL_FUNCTION ConfusionMatrix::ConfusionMatrix(Index classes, std::vector<std::string> names)
    : names_(std::move(names)) {
  require(classes >= 2 && classes <= 46340, "ConfusionMatrix: ", classes, " classes, expected 2 to 46340");
  require(names_.empty() || static_cast<Index>(names_.size()) == classes, "ConfusionMatrix: ", names_.size(),
          " names for ", classes, " classes");
  for (Index k = static_cast<Index>(names_.size()); k < classes; ++k) names_.push_back(concat_text(k));
  counts_.assign(static_cast<std::size_t>(classes * classes), 0);
}

UNROLL_FUNCTION ConfusionMatrix::ConfusionMatrix(const ConfusionMatrix& other) = default;
UNROLL_FUNCTION ConfusionMatrix::ConfusionMatrix(ConfusionMatrix&& other) noexcept = default;
UNROLL_FUNCTION ConfusionMatrix& ConfusionMatrix::operator=(const ConfusionMatrix& other) = default;
UNROLL_FUNCTION ConfusionMatrix& ConfusionMatrix::operator=(ConfusionMatrix&& other) noexcept = default;
UNROLL_FUNCTION ConfusionMatrix::~ConfusionMatrix() = default;

UNROLL_FUNCTION void ConfusionMatrix::check(Index k, const char* what) const {
  require(k >= 0 && k < classes(), "ConfusionMatrix: ", what, " class ", k, ", expected 0 to ", classes() - 1);
}
UNROLL_FUNCTION void ConfusionMatrix::add(Index truth, Index predicted, Index times) {
  check(truth, "true");
  check(predicted, "predicted");
  require(times >= 0, "ConfusionMatrix: a pair of classes ", times, " times");
  counts_[static_cast<std::size_t>(truth * classes() + predicted)] += times;
}
UNROLL_FUNCTION void ConfusionMatrix::add(std::span<const Index> truth, std::span<const Index> predicted) {
  require(truth.size() == predicted.size(), "ConfusionMatrix: ", truth.size(), " labels and ", predicted.size(),
          " predictions");
  for (std::size_t n = 0; n < truth.size(); ++n) add(truth[n], predicted[n]);
}
UNROLL_FUNCTION void ConfusionMatrix::add(const ConfusionMatrix& other) {
  require(other.classes() == classes(), "ConfusionMatrix: ", other.classes(), " classes added to ", classes());
  for (std::size_t k = 0; k < counts_.size(); ++k) counts_[k] += other.counts_[k];
}

UNROLL_FUNCTION Index ConfusionMatrix::count(Index truth, Index predicted) const {
  check(truth, "true");
  check(predicted, "predicted");
  return counts_[static_cast<std::size_t>(truth * classes() + predicted)];
}
UNROLL_FUNCTION Index ConfusionMatrix::count() const {
  Index n = 0;
  for (const Index c : counts_) n += c;
  return n;
}
UNROLL_FUNCTION ClassCounts ConfusionMatrix::of(Index k) const {
  ClassCounts n{.right = count(k, k)};
  for (Index other = 0; other < classes(); ++other) {
    n.predicted += count(other, k);
    n.there += count(k, other);
  }
  return n;
}

UNROLL_FUNCTION double ConfusionMatrix::accuracy() const {
  Index right = 0;
  for (Index k = 0; k < classes(); ++k) right += count(k, k);
  return detail::ratio(double(right), double(count()));
}
UNROLL_FUNCTION double ConfusionMatrix::macro(double (ClassCounts::*score)() const) const {
  double sum = 0;
  Index scored = 0;  // a class that neither occurs nor is predicted has no score
  for (Index k = 0; k < classes(); ++k) {
    const ClassCounts n = of(k);
    if (n.there + n.predicted > 0) sum += (n.*score)(), ++scored;
  }
  return detail::ratio(sum, double(scored));
}
UNROLL_FUNCTION double ConfusionMatrix::weighted_f1() const {
  double sum = 0;
  for (Index k = 0; k < classes(); ++k) sum += f1(k) * double(of(k).there);
  return detail::ratio(sum, double(count()));
}
UNROLL_FUNCTION double ConfusionMatrix::balanced_accuracy() const {
  double sum = 0;
  Index there = 0;
  for (Index k = 0; k < classes(); ++k)
    if (of(k).there > 0) sum += recall(k), ++there;
  return detail::ratio(sum, double(there));
}
UNROLL_FUNCTION double ConfusionMatrix::matthews() const {
  double right = 0, both = 0, truths = 0, predictions = 0;
  const double n = double(count());
  for (Index k = 0; k < classes(); ++k) {
    const double t = double(of(k).there), p = double(of(k).predicted);
    right += double(count(k, k));
    both += t * p;
    truths += t * t;
    predictions += p * p;
  }
  return detail::ratio(right * n - both, std::sqrt((n * n - truths) * (n * n - predictions)));
}

UNROLL_FUNCTION Index ConfusionMatrix::classes_there() const {
  Index there = 0;
  for (Index k = 0; k < classes(); ++k) there += of(k).there > 0 ? 1 : 0;
  return there;
}
UNROLL_FUNCTION bool ConfusionMatrix::is_unequal() const {
  Index fewest = count(), most = 0;
  for (Index k = 0; k < classes(); ++k) {
    const Index there = of(k).there;
    fewest = (std::min)(fewest, there), most = (std::max)(most, there);
  }
  return most > 2 * fewest;
}
UNROLL_FUNCTION double ConfusionMatrix::majority_share() const {
  Index most = 0;
  for (Index k = 0; k < classes(); ++k) most = (std::max)(most, of(k).there);
  return detail::ratio(double(most), double(count()));
}
UNROLL_FUNCTION std::optional<double> ConfusionMatrix::find(std::string_view name) const {
  if (name == "accuracy") return accuracy();
  if (name == "balanced_accuracy") return balanced_accuracy();
  if (name == "macro_precision") return macro_precision();
  if (name == "macro_recall") return macro_recall();
  if (name == "macro_f1") return macro_f1();
  if (name == "micro_f1") return micro_f1();
  if (name == "weighted_f1") return weighted_f1();
  if (name == "matthews") return matthews();
  for (const auto& [score, value] : {std::pair("precision", &ClassCounts::precision),
                                     std::pair("recall", &ClassCounts::recall), std::pair("f1", &ClassCounts::f1)}) {
    if (!name.starts_with(score)) continue;
    std::string_view rest = name.substr(std::string_view(score).size());
    if (rest.empty() && classes() == 2) return (of(1).*value)();
    if (!rest.starts_with('_')) continue;
    rest.remove_prefix(1);
    for (Index k = 0; k < classes(); ++k)
      if (names_[static_cast<std::size_t>(k)] == rest) return (of(k).*value)();
  }
  return std::nullopt;
}

UNROLL_FUNCTION std::string ConfusionMatrix::str() const {
  std::size_t width = 9, first = 4;
  for (const std::string& name : names_) {
    width = (std::max)(width, name.size() + 2);
    first = (std::max)(first, name.size());
  }
  std::string text = "true";
  text.append(first - 4, ' ');
  for (const std::string& name : names_) detail::append_cell(text, name, width);
  text += "   precision   recall       F1\n";
  for (Index t = 0; t < classes(); ++t) {
    const std::string& name = names_[static_cast<std::size_t>(t)];
    text += name;
    text.append(first - name.size(), ' ');
    for (Index p = 0; p < classes(); ++p) detail::append_cell(text, concat_text(count(t, p)), width);
    detail::append_cell(text, detail::fixed3(precision(t)), 12);
    detail::append_cell(text, detail::fixed3(recall(t)), 9);
    detail::append_cell(text, detail::fixed3(f1(t)), 9);
    text += '\n';
  }
  text += concat_text("accuracy ", detail::fixed3(accuracy()), ", macro F1 ", detail::fixed3(macro_f1()), "\n");
  return text;
}

}  // namespace unroll::inline UNROLL_ABI
