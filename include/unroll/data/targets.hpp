// Targets: what is to be learned about the sequences of a data set.
#pragma once

#include <algorithm>
#include <concepts>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/matrix.hpp>

namespace unroll::inline UNROLL_ABI {

/// Classes with names: text label k of a data set is names[labels[k]].
struct NamedLabels {
  std::vector<Index> labels;
  std::vector<std::string> names;  ///< sorted by their bytes
};

/// Numbers labels in the order of their sorted names. With `names` given (those of the training set), any other label
/// throws std::invalid_argument.
template <std::ranges::forward_range R>
requires std::convertible_to<std::ranges::range_reference_t<R>, std::string_view>
NamedLabels labels_from_strings(R&& strings, std::vector<std::string> names = {}) {
  NamedLabels out{{}, std::move(names)};
  const bool fixed = !out.names.empty();
  if (!fixed) {
    for (const std::string_view s : strings) out.names.emplace_back(s);
    std::ranges::sort(out.names);
    out.names.erase(std::unique(out.names.begin(), out.names.end()), out.names.end());
  }
  for (const std::string_view s : strings) {
    const auto found = std::ranges::find(out.names, s);
    require(found != out.names.end(), "labels_from_strings: label ", out.labels.size(), " is '", s,
            "', which is none of the ", out.names.size(), " names");
    out.labels.push_back(found - out.names.begin());
  }
  return out;
}

namespace detail {
/// A class's number out of any integer.
template <std::integral Integer> Index to_label(Integer number) {
  if constexpr (!std::same_as<Integer, bool>)
    require(std::in_range<Index>(number + Integer{}), "Targets: a label is ", number, ", which no class can be");
  return static_cast<Index>(number);
}
/// A container of integers, which Eigen's vectors are not: those are columns of numbers.
template <class R>
concept IntegerRange =
    std::ranges::input_range<R> && std::integral<std::ranges::range_value_t<R>> && !requires(R& r) { r.derived(); };
}  // namespace detail

/// Classes, or numbers in columns, one for each sequence or one for each step of each sequence.
struct Targets {
  std::vector<Index> labels;             ///< classes; empty where `values` are used
  Matrix<double> values;                 ///< (K, n)
  bool per_step = false;                 ///< n is the number of steps of all sequences, else of sequences
  std::vector<std::string> label_names;  ///< where the classes have names

  Targets() = default;
  /// One class a sequence.
  Targets(std::vector<Index> of, std::vector<std::string> names = {})
      : labels(std::move(of)), label_names(std::move(names)) {}
  /// The same out of any container of integers.
  template <detail::IntegerRange R> requires(!std::same_as<std::remove_cvref_t<R>, std::vector<Index>>)
  Targets(R&& of, std::vector<std::string> names = {}) : label_names(std::move(names)) {
    for (const std::ranges::range_value_t<R> label : of) labels.push_back(detail::to_label(label));
  }
  Targets(NamedLabels of) : Targets(std::move(of.labels), std::move(of.names)) {}
  /// One class a step: a vector for each sequence.
  Targets(const std::vector<std::vector<Index>>& steps, std::vector<std::string> names = {})
      : per_step(true), label_names(std::move(names)) {
    for (const auto& s : steps) labels.insert(labels.end(), s.begin(), s.end());
  }
  template <detail::IntegerRange R> requires(!std::same_as<R, std::vector<Index>>)
  Targets(const std::vector<R>& steps, std::vector<std::string> names = {})
      : per_step(true), label_names(std::move(names)) {
    for (const R& s : steps)
      for (const std::ranges::range_value_t<R> label : s) labels.push_back(detail::to_label(label));
  }
  /// One column of numbers a sequence.
  template <class Derived> Targets(const Eigen::MatrixBase<Derived>& of) : values(of.template cast<double>()) {
    require(values.rows() > 0 || values.cols() == 0, "Targets: ", values.cols(), " columns without a number");
  }
  /// One column of numbers a step: a (K, T_i) matrix for each sequence.
  template <class T> Targets(const std::vector<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>>& steps) {
    per_step = true;
    Index columns = 0;
    for (const auto& s : steps) columns += s.cols();
    values.resize(steps.empty() ? 0 : steps.front().rows(), columns);
    for (Index n = 0; const auto& s : steps) {
      require(s.rows() == values.rows(), "Targets: a sequence has ", s.rows(), " numbers a step, the first has ",
              values.rows());
      values.middleCols(n, s.cols()) = s.template cast<double>();
      n += s.cols();
    }
  }

  bool are_labels() const { return values.rows() == 0; }
  Index size() const { return are_labels() ? static_cast<Index>(labels.size()) : values.cols(); }
};

/// The targets of a batch, one for each column of a model's output: per sequence in the order of the batch, per step in
/// packed order. Memory is kept from batch to batch.
template <class T> struct BatchTargets {
  std::vector<Index> labels;
  Matrix<T> values;
  std::vector<double> sample_weights;  ///< one a column, or none
  bool are_labels = true;
};

}  // namespace unroll::inline UNROLL_ABI
