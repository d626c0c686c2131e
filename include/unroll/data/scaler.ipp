// Bodies of data/scaler.hpp.
#pragma once

#include <charconv>
#include <system_error>

#include <unroll/core/range.hpp>
#include <unroll/data/scaler.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION Scaler Scaler::fit(const Matrix<double>& training, bool by_deviation) {
  require(training.cols() > 0, "Scaler: there is no step to learn from");
  if (const Index k = detail::find_not_finite(training.data(), training.size()); k >= 0)
    fail("Scaler: feature ", k % training.rows(), " of step ", k / training.rows(), " is ", training.data()[k],
         ", expected a finite number");
  Scaler scaler;
  for (Index d = 0; d < training.rows(); ++d) {
    const auto x = training.row(d).array();
    const double middle = by_deviation ? x.mean() : x.minCoeff();
    const double width = by_deviation ? std::sqrt((x - middle).square().mean()) : x.maxCoeff() - middle;
    // Of a constant, rounding of the mean leaves a width that is no width.
    const bool constant = x.maxCoeff() == x.minCoeff();
    scaler.middle_.push_back(middle);
    scaler.width_.push_back(constant ? 1 : width);
  }
  return scaler;
}
UNROLL_FUNCTION void Scaler::require_features(Index rows) const {
  require(rows == static_cast<Index>(middle_.size()), "Scaler: ", rows, " features, expected ", middle_.size());
}
UNROLL_FUNCTION Index Scaler::feature_of_row(Index row, Index rows, std::span<const Index> targets) const {
  const auto D = static_cast<Index>(middle_.size());
  const auto each = targets.empty() ? D : static_cast<Index>(targets.size());
  require(rows % each == 0, "Scaler: ", rows, " rows, expected ", each, " or a multiple of it");
  const Index d = targets.empty() ? row % each : targets[static_cast<std::size_t>(row % each)];
  detail::require_index("Scaler", "target", d, D);
  return d;
}
UNROLL_FUNCTION std::string Scaler::text() const {
  std::string text = concat_text("scaler 1 ", middle_.size());
  const auto add = [&](double x) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, x).ptr;
    text += ' ';
    text.append(digits, end);
  };
  for (std::size_t d = 0; d < middle_.size(); ++d) add(middle_[d]), add(width_[d]);
  return text;
}
UNROLL_FUNCTION Scaler Scaler::from_text(std::string_view text) {
  const auto refuse = [] { fail<FormatError>("Scaler: expected the text that Scaler::text gives"); };
  std::vector<double> numbers;
  constexpr std::string_view begin = "scaler 1 ";
  if (!text.starts_with(begin)) refuse();
  const char *at = text.data() + begin.size(), *const end = text.data() + text.size();
  while (true) {
    double x = 0;
    const auto [stop, error] = std::from_chars(at, end, x);
    if (error != std::errc() || !detail::has_finite_bits(x)) refuse();
    numbers.push_back(x);
    if (stop == end) break;
    if (*stop != ' ') refuse();
    at = stop + 1;
  }
  if (numbers.size() % 2 != 1 || numbers[0] != static_cast<double>(numbers.size() / 2)) refuse();
  Scaler scaler;
  for (std::size_t k = 1; k < numbers.size(); k += 2) {
    if (!(numbers[k + 1] > 0)) refuse();
    scaler.middle_.push_back(numbers[k]);
    scaler.width_.push_back(numbers[k + 1]);
  }
  return scaler;
}

}  // namespace unroll::inline UNROLL_ABI
