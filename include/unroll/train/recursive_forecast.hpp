// Forecasts further ahead than a model was made for.
#pragma once

#include <algorithm>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/core/pack.hpp>
#include <unroll/train/infer.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Goes on from a batch of windows of one length: (D steps, B), in the user's order. Leaves what it was asked last in
/// x.
template <class M, class T>
Matrix<T> forecast_on(const M& model, PackedSequence<T>& x, CacheFor<M, PackedSequence<T>>& cache, Index steps) {
  const Packing& packing = x.packing;
  const Index D = x.values.rows(), B = packing.batch(), length = packing.steps();
  require(steps >= 0, "forecast_recursively: ", steps, " steps ahead, expected 0 or more");
  require(packing.length(B - 1) == length, "forecast_recursively: windows of ", packing.length(B - 1), " and of ",
          length, " steps, expected one length");
  require(length > 0, "forecast_recursively: a window has no step");
  Matrix<T> out(D * steps, B);
  for (Index done = 0; done < steps;) {
    const auto& y = values(model.forward(inference, x, cache));
    require(y.cols() == B && y.rows() > 0 && y.rows() % D == 0, "forecast_recursively: the model gives (", y.rows(),
            ", ", y.cols(), ") for ", B, " windows of ", D, " features, expected all of these some steps ahead");
    const Index ahead = (std::min)(y.rows() / D, steps - done), moved = (std::min)(ahead, length);
    out.middleRows(done * D, ahead * D) = y.topRows(ahead * D);
    done += ahead;
    if (done == steps) break;
    // Column t * B + j is step t of window j.
    const Matrix<T> kept = x.values.rightCols((length - moved) * B);
    x.values.leftCols(kept.cols()) = kept;
    for (Index h = 0; h < moved; ++h)
      for (Index j = 0; j < B; ++j)
        x.values.col((length - moved + h) * B + j) = y.col(packing.row(j)).segment((ahead - moved + h) * D, D);
  }
  return out;
}
}  // namespace detail

/// The recursive strategy: what the model says of the next H >= 1 steps of all D features, (D H, 1), is put behind the
/// window x (D, T), and it is asked again, until there are `steps`: (D, steps). (The direct one is a model that gives
/// the whole horizon at once, which does not hear its own errors.) Costs ceil(steps / H) passes over T steps.
template <class M, class Derived>
auto forecast_recursively(const M& model, const Eigen::MatrixBase<Derived>& x, Index steps) {
  using T = typename Derived::Scalar;
  PackedSequence<T> window = pack(x);
  CacheFor<M, PackedSequence<T>> cache;
  return Matrix<T>(detail::forecast_on<M, T>(model, window, cache, steps).reshaped(x.rows(), steps));
}
/// The same for all windows of a data set, a column (D steps) for each, as `infer` gives forecasts of SeriesWindows.
template <class M, detail::HasRows D>
auto forecast_recursively(const M& model, const D& data, Index steps, Index batch_size = 256) {
  detail::RowBatches batches("forecast_recursively", data, {}, batch_size);
  typename D::Batch x;
  using T = typename decltype(x.values)::Scalar;
  CacheFor<M, typename D::Batch> cache;
  Matrix<T> all;
  for (Index k = 0; k < batches.count(); ++k) {
    detail::fill_batch(data, batches.rows(k), x);
    detail::take_columns(detail::forecast_on<M, T>(model, x, cache, steps), batches.places(k), batches.size(), all);
  }
  return all;
}

}  // namespace unroll::inline UNROLL_ABI
