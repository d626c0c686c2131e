// Bodies of stream/graph_functions.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include <unroll/core/matrix.hpp>
#include <unroll/stream/dynamic_layer.hpp>
#include <unroll/stream/graph_functions.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// F::step(a, b, widths, numbers, y, state), step after step; of one value b is a. F::state(widths):
/// how many doubles it remembers, which reset to F::start.
template <class F> class GraphFunction final : public DynamicLayer {
 public:
  GraphFunction(std::span<const double> numbers, std::span<const Index> widths, Index width)
      : DynamicLayer(widths.front(), width, padded_stride(width)),
        numbers_(numbers.begin(), numbers.end()),
        widths_(widths.begin(), widths.end()),
        state_(F::state(widths), 1) {
    reset();
  }
  void run(const float* x, Index x_stride, float* y, Index n) noexcept override {
    run_pair(x, x_stride, x, x_stride, y, n);
  }
  void run_pair(const float* a, Index a_stride, const float* b, Index b_stride, float* y, Index n) noexcept override {
    for (Index t = 0; t < n; ++t, a += a_stride, b += b_stride, y += y_stride)
      F::step(a, b, std::span<const Index>(widths_), std::span<const double>(numbers_), y, state_.data());
  }
  void reset() noexcept override {
    state_.setZero();
    if constexpr (requires { F::start; })
      for (Index k = 0; k < state_.size(); ++k) state_.data()[k] = F::start;
  }
  std::span<std::byte> state() noexcept override {
    return std::as_writable_bytes(std::span(state_.data(), static_cast<std::size_t>(state_.size())));
  }

 private:
  std::vector<double> numbers_;
  std::vector<Index> widths_;
  Matrix<double> state_;
};

/// Of a step alone.
struct StepFunction {
  using Widths = std::span<const Index>;
  using Numbers = std::span<const double>;
  static Index state(Widths) { return 0; }
};
struct StreamSum : StepFunction {
  static constexpr std::string_view name = "+";
  static void step(const float* a, const float* b, Widths of, Numbers, float* y, double*) {
    for (Index k = 0; k < of[0]; ++k) y[k] = a[k] + b[k];
  }
};
struct StreamDifference : StepFunction {
  static constexpr std::string_view name = "-";
  static void step(const float* a, const float* b, Widths of, Numbers, float* y, double*) {
    for (Index k = 0; k < of[0]; ++k) y[k] = a[k] - b[k];
  }
};
struct StreamProduct : StepFunction {
  static constexpr std::string_view name = "*";
  static void step(const float* a, const float* b, Widths of, Numbers, float* y, double*) {
    for (Index k = 0; k < of[0]; ++k) y[k] = a[k] * b[k];
  }
};
struct StreamScale : StepFunction {
  static constexpr std::string_view name = "scale";
  static void step(const float* a, const float*, Widths of, Numbers by, float* y, double*) {
    for (Index k = 0; k < of[0]; ++k) y[k] = static_cast<float>(by[0]) * a[k];
  }
};
struct StreamConcat : StepFunction {
  static constexpr std::string_view name = "concat_rows";
  static void step(const float* a, const float* b, Widths of, Numbers, float* y, double*) {
    std::copy_n(a, of[0], y);
    std::copy_n(b, of[1], y + of[0]);
  }
};
struct StreamRows : StepFunction {
  static constexpr std::string_view name = "rows";
  static void step(const float* a, const float*, Widths, Numbers which, float* y, double*) {
    std::copy_n(a + static_cast<Index>(which[0]), static_cast<Index>(which[1]), y);
  }
};
/// Sums of the steps so far, and how many these are.
struct StreamMean : StepFunction {
  static constexpr std::string_view name = "mean_over_time";
  static Index state(Widths of) { return of[0] + 1; }
  static void step(const float* a, const float*, Widths of, Numbers, float* y, double* sums) {
    const double steps = sums[of[0]] += 1;
    for (Index k = 0; k < of[0]; ++k) y[k] = static_cast<float>((sums[k] += static_cast<double>(a[k])) / steps);
  }
};
struct StreamMaximum : StepFunction {
  static constexpr std::string_view name = "max_over_time";
  static constexpr double start = -std::numeric_limits<double>::infinity();
  static Index state(Widths of) { return of[0]; }
  static void step(const float* a, const float*, Widths of, Numbers, float* y, double* most) {
    for (Index k = 0; k < of[0]; ++k) {
      if (static_cast<double>(a[k]) > most[k]) most[k] = static_cast<double>(a[k]);
      y[k] = static_cast<float>(most[k]);
    }
  }
};
struct StreamWeightedSum : StepFunction {
  static constexpr std::string_view name = "weighted_sum";
  static Index state(Widths of) { return of[1]; }
  static void step(const float* weight, const float* v, Widths of, Numbers, float* y, double* sums) {
    for (Index k = 0; k < of[1]; ++k)
      y[k] = static_cast<float>(sums[k] += static_cast<double>(*weight) * static_cast<double>(v[k]));
  }
};
/// The weights are softmax over the steps so far: sums of exp(score - the largest so far), Milakov and Gimelshein 2018.
struct StreamAttend : StepFunction {
  static constexpr std::string_view name = "attend";
  static Index state(Widths of) { return of[1] + 2; }
  static void step(const float* score, const float* v, Widths of, Numbers, float* y, double* state) {
    double &sum = state[of[1]], &most = state[of[1] + 1];  // both 0 before the first step, when `sum` tells
    const double before = sum > 0 ? most : static_cast<double>(*score),
                 now = (std::max)(before, static_cast<double>(*score));
    const double fades = std::exp(before - now), weight = std::exp(static_cast<double>(*score) - now);
    most = now;
    sum = sum * fades + weight;
    for (Index k = 0; k < of[1]; ++k)
      y[k] = static_cast<float>((state[k] = state[k] * fades + weight * static_cast<double>(v[k])) / sum);
  }
};

template <class... F>
LayerPointer first_of_name(std::string_view name, std::span<const double> numbers, std::span<const Index> widths,
                           Index width) {
  LayerPointer made;
  static_cast<void>(
      ((name == F::name && (made = std::make_unique<GraphFunction<F>>(numbers, widths, width)) != nullptr) || ...));
  return made;
}
UNROLL_FUNCTION LayerPointer graph_function(std::string_view name, std::span<const double> numbers,
                                            std::span<const Index> widths, Index width) {
  return first_of_name<StreamSum, StreamDifference, StreamProduct, StreamScale, StreamConcat, StreamRows, StreamMean,
                       StreamMaximum, StreamWeightedSum, StreamAttend>(name, numbers, widths, width);
}

}  // namespace unroll::inline UNROLL_ABI::detail
