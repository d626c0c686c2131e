// Features on one scale, and forecasts back in their own unit.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/core/matrix.hpp>

namespace unroll::inline UNROLL_ABI {

/// x -> (x - middle) / width for each feature, both found on the training part alone. It is saved with its model as
/// text, `save(path, model, {.extra = {{"scaler", scaler.text()}}})`, and comes back by
/// `Scaler::from_text(info.value("scaler"))`.
class UNROLL_API Scaler {
 public:
  /// Changes nothing.
  Scaler() = default;
  /// Mean 0 and deviation 1 over the columns of (D, n); a feature that is constant keeps its width. scikit-learn's
  /// StandardScaler. Throws where there is no column, or a number that is not finite.
  template <class Derived> static Scaler standard(const Eigen::MatrixBase<Derived>& training) {
    return fit(Matrix<double>(training.template cast<double>()), true);
  }
  /// From 0, the least, to 1, the greatest. scikit-learn's MinMaxScaler.
  template <class Derived> static Scaler min_max(const Eigen::MatrixBase<Derived>& training) {
    return fit(Matrix<double>(training.template cast<double>()), false);
  }

  /// x (D, n)
  template <class Derived> Matrix<typename Derived::Scalar> scale(const Eigen::MatrixBase<Derived>& x) const {
    return change(Matrix<typename Derived::Scalar>(x), {}, true, true);
  }
  /// Back to the unit of feature targets[k mod C] in row k: a series (D, n), or forecasts (C H, n) of SeriesWindows
  /// with the same targets. None: all features.
  template <class Derived>
  Matrix<typename Derived::Scalar> unscale(const Eigen::MatrixBase<Derived>& y,
                                           std::span<const Index> targets = {}) const {
    return change(Matrix<typename Derived::Scalar>(y), targets, false, true);
  }
  /// The same of deviations, errors and other differences: the width alone.
  template <class Derived>
  Matrix<typename Derived::Scalar> unscale_difference(const Eigen::MatrixBase<Derived>& y,
                                                      std::span<const Index> targets = {}) const {
    return change(Matrix<typename Derived::Scalar>(y), targets, false, false);
  }

  const std::vector<double>& middle() const { return middle_; }
  const std::vector<double>& width() const { return width_; }
  /// The numbers, exactly: "scaler 1 <D> <middle> <width> ..".
  std::string text() const;
  /// Throws FormatError for what `text` did not write.
  static Scaler from_text(std::string_view text);
  bool operator==(const Scaler&) const = default;

 private:
  static Scaler fit(const Matrix<double>& training, bool by_deviation);
  void require_features(Index rows) const;
  Index feature_of_row(Index row, Index rows, std::span<const Index> targets) const;
  template <class T> Matrix<T> change(Matrix<T> x, std::span<const Index> targets, bool to_scale, bool moves) const {
    if (middle_.empty()) return x;
    if (to_scale) require_features(x.rows());
    for (Index k = 0; k < x.rows(); ++k) {
      const auto d = static_cast<std::size_t>(feature_of_row(k, x.rows(), targets));
      const double middle = moves ? middle_[d] : 0, width = width_[d];
      for (Index n = 0; n < x.cols(); ++n)
        x(k, n) = static_cast<T>(to_scale ? (double(x(k, n)) - middle) / width : double(x(k, n)) * width + middle);
    }
    return x;
  }

  std::vector<double> middle_, width_;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/scaler.ipp>
#endif
