// What a window is taken relative to: its last value, or its mean and deviation. The numbers of LastValue and RevIn.
#pragma once

#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include <unroll/core/for_sequences.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

/// Which numbers of the input a model's outputs are forecasts of.
struct WindowOutputs {
  /// Features of the input, in the order in which every step of the horizon has them: output row h C + c is targets[c],
  /// h + 1 steps ahead. None: all features but those that are left as they are.
  std::vector<Index> targets = {};
  /// Rows of the output that are such values; those after them, a distribution's deviations, are left as they are.
  /// 0: all rows.
  Index values = 0;
  /// So many features, the last ones, are left as they are: what the calendar says, masks.
  Index as_is = 0;
};

namespace detail {
/// The numbers of LastValue and RevIn: what each window is taken relative to, forward and backward. With m the window's
/// last value and s = 1, or m its mean and s its deviation, g and b a gain and a shift for each feature or none:
///   x' = g (x - m) / s + b,   y = s (z - b) / (g + e^2) + m
template <class T> struct WindowScale {
  Matrix<T> m, s;  ///< (features that are not left as they are, B)
  Matrix<T> d_m, d_s;
  static constexpr T e = T(1e-5);             ///< s = sqrt(variance + e)
  static constexpr Index least_windows = 16;  ///< that are worth a thread

  /// x -> x', but for the last `as_is` features.
  UNROLL_API void normalize(const PackedSequence<T>& x, Index as_is, bool by_deviation, const Matrix<T>& g,
                            const Matrix<T>& b, PackedSequence<T>& to);
  /// z -> y
  UNROLL_API void restore(const Matrix<T>& z, const WindowOutputs& of, const Matrix<T>& g, const Matrix<T>& b,
                          Matrix<T>& y) const;
  /// dy -> dz, d_m and d_s; adds to dg and db where those are not null.
  UNROLL_API void restore_backward(const Matrix<T>& z, const Matrix<T>& dy, const WindowOutputs& of, const Matrix<T>& g,
                                   const Matrix<T>& b, Matrix<T>& dz, T* dg, T* db);
  /// dx' (in `d`) -> dx, where that is not null; uses up d_m and d_s.
  UNROLL_API void normalize_backward(const PackedSequence<T>& x, const PackedSequence<T>& d, bool by_deviation,
                                     const Matrix<T>& g, PackedSequence<T>* dx, T* dg, T* db);
};
/// Throws where features or targets are not those of the input.
UNROLL_API void check_window_inputs(std::string_view who, const WindowOutputs& of, Index features, Index affine);
/// Throws where the rows of an output are not those of whole steps of the targets.
UNROLL_API void check_window_outputs(std::string_view who, const WindowOutputs& of, Index features, Index rows);

template <class T>
void WindowScale<T>::normalize(const PackedSequence<T>& x, Index as_is, bool by_deviation, const Matrix<T>& g,
                               const Matrix<T>& b, PackedSequence<T>& to) {
  const Index D = x.values.rows(), own = D - as_is;
  shape_like(to, x, D);
  m.resize(own, x.packing.batch());
  s.resize(by_deviation ? own : 0, by_deviation ? m.cols() : 0);
  for_sequences(
      x.packing,
      [&](Index j, Index row, Index length) {
        const auto step = [&](Index t) { return (x.packing.offset(t) + j) * D; };
        for (Index t = 0; t < length && as_is > 0; ++t)
          for (Index d = own; d < D; ++d) to.values.data()[step(t) + d] = x.values.data()[step(t) + d];
        for (Index d = 0; d < own; ++d) {
          const T* const in = x.values.data() + d;
          T middle = 0, deviation = 1;
          if (length > 0 && !by_deviation) middle = in[step(length - 1)];
          if (length > 0 && by_deviation) {
            for (Index t = 0; t < length; ++t) middle += in[step(t)];
            middle /= static_cast<T>(length);
            T sum = 0;
            for (Index t = 0; t < length; ++t) sum += (in[step(t)] - middle) * (in[step(t)] - middle);
            deviation = std::sqrt(sum / static_cast<T>(length) + e);
          }
          m(d, row) = middle;
          if (by_deviation) s(d, row) = deviation;
          const T factor = g.size() > 0 ? g.data()[d] / deviation : 1 / deviation,
                  add = g.size() > 0 ? b.data()[d] : T(0);
          for (Index t = 0; t < length; ++t) to.values.data()[step(t) + d] = (in[step(t)] - middle) * factor + add;
        }
      },
      least_windows);
}
template <class T>
void WindowScale<T>::restore(const Matrix<T>& z, const WindowOutputs& of, const Matrix<T>& g, const Matrix<T>& b,
                             Matrix<T>& y) const {
  const Index rows = of.values > 0 ? of.values : z.rows();
  const auto C = of.targets.empty() ? m.rows() : static_cast<Index>(of.targets.size());
  y.resize(z.rows(), z.cols());
  for (Index n = 0; n < z.cols(); ++n)
    for (Index k = 0; k < z.rows(); ++k) {
      const Index d = of.targets.empty() ? k % C : of.targets[static_cast<std::size_t>(k % C)];
      T value = z(k, n);
      if (k < rows) {
        if (g.size() > 0) value = (value - b.data()[d]) / (g.data()[d] + e * e);
        value = (s.size() > 0 ? value * s(d, n) : value) + m(d, n);
      }
      y(k, n) = value;
    }
}
template <class T>
void WindowScale<T>::restore_backward(const Matrix<T>& z, const Matrix<T>& dy, const WindowOutputs& of,
                                      const Matrix<T>& g, const Matrix<T>& b, Matrix<T>& dz, T* dg, T* db) {
  const Index rows = of.values > 0 ? of.values : z.rows();
  const auto C = of.targets.empty() ? m.rows() : static_cast<Index>(of.targets.size());
  dz.resize(z.rows(), z.cols());
  d_m.resize(m.rows(), m.cols());
  d_m.setZero();
  d_s.resize(s.rows(), s.cols());
  d_s.setZero();
  for (Index n = 0; n < z.cols(); ++n)
    for (Index k = 0; k < z.rows(); ++k) {
      dz(k, n) = dy(k, n);
      if (k >= rows) continue;
      const Index d = of.targets.empty() ? k % C : of.targets[static_cast<std::size_t>(k % C)];
      const T gain = g.size() > 0 ? g.data()[d] + e * e : T(1), value = g.size() > 0 ? z(k, n) - b.data()[d] : z(k, n);
      d_m(d, n) += dy(k, n);
      if (s.size() > 0) {
        d_s(d, n) += dy(k, n) * value / gain;
        dz(k, n) *= s(d, n) / gain;
      }
      if (dg != nullptr) dg[d] -= dz(k, n) * value / gain;
      if (db != nullptr) db[d] -= dz(k, n);
    }
}
template <class T>
void WindowScale<T>::normalize_backward(const PackedSequence<T>& x, const PackedSequence<T>& d, bool by_deviation,
                                        const Matrix<T>& g, PackedSequence<T>* dx, T* dg, T* db) {
  const Index D = x.values.rows(), own = m.rows();
  for (Index j = 0; j < x.packing.batch() && (dg != nullptr || db != nullptr); ++j)
    for (Index t = 0; t < x.packing.length(j); ++t)
      for (Index k = 0, n = x.packing.offset(t) + j, row = x.packing.row(j); k < own; ++k) {
        if (dg != nullptr) dg[k] += d.values(k, n) * (x.values(k, n) - m(k, row)) / s(k, row);
        if (db != nullptr) db[k] += d.values(k, n);
      }
  if (dx == nullptr) return;
  shape_like(*dx, x, D);
  for_sequences(
      x.packing,
      [&](Index j, Index row, Index length) {
        for (Index t = 0; t < length && own < D; ++t)
          for (Index k = own, n = x.packing.offset(t) + j; k < D; ++k) dx->values(k, n) = d.values(k, n);
        for (Index k = 0; k < own; ++k) {
          const T deviation = by_deviation ? s(k, row) : T(1), factor = (g.size() > 0 ? g.data()[k] : T(1)) / deviation;
          T sum = 0, product = 0;
          for (Index t = 0; t < length; ++t) {
            const Index n = x.packing.offset(t) + j;
            const T u = d.values(k, n) * factor;
            sum += u;
            if (by_deviation) product += u * (x.values(k, n) - m(k, row)) / deviation;
            dx->values(k, n) = u;
          }
          const T middle = d_m(k, row) - sum;
          if (!by_deviation && length > 0) dx->values(k, x.packing.offset(length - 1) + j) += middle;
          if (!by_deviation) continue;
          const T spread = (d_s(k, row) - product) / deviation;
          for (Index t = 0; t < length; ++t) {
            const Index n = x.packing.offset(t) + j;
            dx->values(k, n) += (middle + spread * (x.values(k, n) - m(k, row))) / static_cast<T>(length);
          }
        }
      },
      least_windows);
}
#define UNROLL_WINDOW_SCALE_INSTANCES(DECLARE, T)                                                                   \
  DECLARE void WindowScale<T>::normalize(const PackedSequence<T>&, Index, bool, const Matrix<T>&, const Matrix<T>&, \
                                         PackedSequence<T>&);                                                       \
  DECLARE void WindowScale<T>::restore(const Matrix<T>&, const WindowOutputs&, const Matrix<T>&, const Matrix<T>&,  \
                                       Matrix<T>&) const;                                                           \
  DECLARE void WindowScale<T>::restore_backward(const Matrix<T>&, const Matrix<T>&, const WindowOutputs&,           \
                                                const Matrix<T>&, const Matrix<T>&, Matrix<T>&, T*, T*);            \
  DECLARE void WindowScale<T>::normalize_backward(const PackedSequence<T>&, const PackedSequence<T>&, bool,         \
                                                  const Matrix<T>&, PackedSequence<T>*, T*, T*);
#if !UNROLL_HEADER_ONLY
UNROLL_WINDOW_SCALE_INSTANCES(extern template, float)
UNROLL_WINDOW_SCALE_INSTANCES(extern template, double)
#endif
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/layer/window_scale.ipp>
#endif
