// Targets: what is to be learned about the sequences of a data set.
#pragma once

#include <algorithm>
#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/function_ref.hpp>
#include <unroll/core/matrix.hpp>

namespace unroll::inline UNROLL_ABI {

/// Classes with names: text label k of a data set is names[labels[k]].
struct NamedLabels {
  std::vector<Index> labels;
  std::vector<std::string> names;  ///< sorted by their bytes
};

namespace detail {
/// `strings` calls what it is given with each of them.
UNROLL_API NamedLabels number_labels(FunctionRef<FunctionRef<std::string_view>> strings,
                                     std::vector<std::string> names);
}  // namespace detail

/// Numbers labels in the order of their sorted names. With `names` given (those of the training set), any other label
/// throws std::invalid_argument.
template <std::ranges::forward_range R>
requires std::convertible_to<std::ranges::range_reference_t<R>, std::string_view>
NamedLabels labels_from_strings(R&& strings, std::vector<std::string> names = {}) {
  return detail::number_labels(
      [&strings](FunctionRef<std::string_view> on_string) {
        for (const std::string_view s : strings) on_string(s);
      },
      std::move(names));
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
  UNROLL_API Targets(std::vector<Index> of, std::vector<std::string> names = {});
  /// The same out of any container of integers.
  template <detail::IntegerRange R> requires(!std::same_as<std::remove_cvref_t<R>, std::vector<Index>>)
  Targets(R&& of, std::vector<std::string> names = {}) : label_names(std::move(names)) {
    for (const std::ranges::range_value_t<R> label : of) labels.push_back(detail::to_label(label));
  }
  UNROLL_API Targets(NamedLabels of);
  /// One class a step: a vector for each sequence.
  UNROLL_API Targets(const std::vector<std::vector<Index>>& steps, std::vector<std::string> names = {});
  template <detail::IntegerRange R> requires(!std::same_as<R, std::vector<Index>>)
  Targets(const std::vector<R>& steps, std::vector<std::string> names = {})
      : per_step(true), label_names(std::move(names)) {
    for (const R& s : steps)
      for (const std::ranges::range_value_t<R> label : s) labels.push_back(detail::to_label(label));
  }
  /// One column of numbers a sequence.
  template <class Derived> Targets(const Eigen::MatrixBase<Derived>& of) : values(of.template cast<double>()) {
    check_values();
  }
  /// One column of numbers a step: a (K, T_i) matrix for each sequence.
  template <class T> UNROLL_API Targets(const std::vector<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>>& steps);

  bool are_labels() const { return values.rows() == 0; }
  Index size() const { return are_labels() ? static_cast<Index>(labels.size()) : values.cols(); }

 private:
  UNROLL_API void check_values() const;
};

template <class T>
Targets::Targets(const std::vector<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>>& steps) : per_step(true) {
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

#define UNROLL_TARGETS_INSTANCES(DECLARE)                                                             \
  DECLARE Targets::Targets(const std::vector<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic>>&); \
  DECLARE Targets::Targets(const std::vector<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic>>&);
#if !UNROLL_HEADER_ONLY
UNROLL_TARGETS_INSTANCES(extern template)
#endif

/// The targets of a batch, one for each column of a model's output: per sequence in the order of the batch, per step in
/// packed order. Memory is kept from batch to batch.
template <class T> struct BatchTargets {
  std::vector<Index> labels;
  Matrix<T> values;
  std::vector<double> sample_weights;  ///< one a column, or none
  bool are_labels = true;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/targets.ipp>
#endif
