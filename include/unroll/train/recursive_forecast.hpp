// Forecasts further ahead than a model was made for.
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/core/pack.hpp>
#include <unroll/train/evaluate.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Goes on from a batch of windows of one length, and leaves what it was asked last in it. To columns
/// [first, first + B) of out (D steps, n).
template <class M, class T>
void forecast_on(const M& model, PackedSequence<T>& x, CacheFor<M, PackedSequence<T>>& cache, Index steps,
                 Matrix<T>& out, Index first) {
  const Packing& packing = x.packing;
  const Index D = x.values.rows(), B = packing.batch(), T_steps = packing.steps();
  require(packing.length(B - 1) == T_steps, "forecast_recursively: windows of ", packing.length(B - 1), " and of ",
          T_steps, " steps, expected one length");
  require(T_steps > 0, "forecast_recursively: a window has no step");
  for (Index done = 0; done < steps;) {
    const auto& y = values(model.forward(inference, x, cache));
    require(y.cols() == B && y.rows() > 0 && y.rows() % D == 0, "forecast_recursively: the model gives (", y.rows(),
            ", ", y.cols(), ") for ", B, " windows of ", D, " features, expected all of these some steps ahead");
    const Index ahead = (std::min)(y.rows() / D, steps - done), moved = (std::min)(ahead, T_steps);
    for (Index j = 0; j < B; ++j)
      out.col(first + packing.row(j)).segment(done * D, ahead * D) = y.col(packing.row(j)).head(ahead * D);
    done += ahead;
    if (done == steps) return;
    // Column t * B + j is step t of window j.
    const Matrix<T> kept = x.values.rightCols((T_steps - moved) * B);
    x.values.leftCols(kept.cols()) = kept;
    for (Index h = 0; h < moved; ++h)
      for (Index j = 0; j < B; ++j)
        x.values.col((T_steps - moved + h) * B + j) = y.col(packing.row(j)).segment((ahead - moved + h) * D, D);
  }
}
}  // namespace detail

/// The recursive strategy: what the model says of the next H >= 1 steps of all D features, (D H, 1), is put behind the
/// window x (D, T), and it is asked again, until there are `steps`: (D, steps). (The direct one is a model that gives
/// the whole horizon at once, which does not hear its own errors.) Costs ceil(steps / H) passes over T steps.
template <class M, class Derived>
auto forecast_recursively(const M& model, const Eigen::MatrixBase<Derived>& x, Index steps) {
  using T = typename Derived::Scalar;
  require(steps >= 0, "forecast_recursively: ", steps, " steps ahead, expected 0 or more");
  PackedSequence<T> window = pack(x);
  CacheFor<M, PackedSequence<T>> cache;
  Matrix<T> out(x.rows() * steps, 1);
  detail::forecast_on<M, T>(model, window, cache, steps, out, 0);
  return Matrix<T>(out.reshaped(x.rows(), steps));
}
/// The same for all windows of a data set, a column (D steps) for each, as `infer` gives forecasts of SeriesWindows.
template <class M, detail::HasRows D>
auto forecast_recursively(const M& model, const D& data, Index steps, Index batch_size = 256) {
  require(steps >= 0, "forecast_recursively: ", steps, " steps ahead, expected 0 or more");
  detail::require_at_least("forecast_recursively", "batch_size", batch_size, 1);
  typename D::Batch x;
  using T = typename decltype(x.values)::Scalar;
  CacheFor<M, typename D::Batch> cache;
  Matrix<T> out;
  std::vector<Index> rows;
  for (Index first = 0; first < data.size(); first += std::ssize(rows)) {
    rows.resize(static_cast<std::size_t>((std::min)(batch_size, data.size() - first)));
    std::iota(rows.begin(), rows.end(), first);
    data.fill(rows, x);
    if (first == 0) out.resize(x.values.rows() * steps, data.size());
    detail::forecast_on<M, T>(model, x, cache, steps, out, first);
  }
  return out;
}

}  // namespace unroll::inline UNROLL_ABI
