// Bodies of stream/graph_functions.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/stream/dynamic_layer.hpp>
#include <unroll/stream/graph_functions.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// F::step(a, b, widths, numbers, y, state), step after step; of one value b is a. F::state(widths):
/// how many doubles it remembers, which reset to F::start.
template <class F> class GraphFunction final : public DynamicLayer {
 public:
  GraphFunction(std::span<const double> numbers, std::span<const Index> widths)
      : DynamicLayer(widths.front(), F::width(widths, numbers), padded_stride(F::width(widths, numbers))),
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

using Widths = std::span<const Index>;
using Numbers = std::span<const double>;

/// Of a step alone, as many values as the first input has.
struct StepFunction {
  static Index width(Widths of, Numbers) { return of.front(); }
  static Index state(Widths) { return 0; }
};
struct StreamSum : StepFunction {
  static void step(const float* a, const float* b, Widths of, Numbers, float* y, double*) {
    for (Index k = 0; k < of[0]; ++k) y[k] = a[k] + b[k];
  }
};
struct StreamDifference : StepFunction {
  static void step(const float* a, const float* b, Widths of, Numbers, float* y, double*) {
    for (Index k = 0; k < of[0]; ++k) y[k] = a[k] - b[k];
  }
};
struct StreamProduct : StepFunction {
  static void step(const float* a, const float* b, Widths of, Numbers, float* y, double*) {
    for (Index k = 0; k < of[0]; ++k) y[k] = a[k] * b[k];
  }
};
struct StreamScale : StepFunction {
  static void step(const float* a, const float*, Widths of, Numbers by, float* y, double*) {
    for (Index k = 0; k < of[0]; ++k) y[k] = static_cast<float>(by[0]) * a[k];
  }
};
struct StreamConcat : StepFunction {
  static Index width(Widths of, Numbers) { return of[0] + of[1]; }
  static void step(const float* a, const float* b, Widths of, Numbers, float* y, double*) {
    std::copy_n(a, of[0], y);
    std::copy_n(b, of[1], y + of[0]);
  }
};
struct StreamRows : StepFunction {
  static Index width(Widths, Numbers which) { return static_cast<Index>(which[1]); }
  static void step(const float* a, const float*, Widths, Numbers which, float* y, double*) {
    std::copy_n(a + static_cast<Index>(which[0]), static_cast<Index>(which[1]), y);
  }
};
/// Sums of the steps so far, and how many these are.
struct StreamMean : StepFunction {
  static Index state(Widths of) { return of[0] + 1; }
  static void step(const float* a, const float*, Widths of, Numbers, float* y, double* sums) {
    const double steps = sums[of[0]] += 1;
    for (Index k = 0; k < of[0]; ++k) y[k] = static_cast<float>((sums[k] += static_cast<double>(a[k])) / steps);
  }
};
struct StreamMaximum : StepFunction {
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
  static Index width(Widths of, Numbers) { return of[1]; }
  static Index state(Widths of) { return of[1]; }
  static void step(const float* weight, const float* v, Widths of, Numbers, float* y, double* sums) {
    for (Index k = 0; k < of[1]; ++k)
      y[k] = static_cast<float>(sums[k] += static_cast<double>(*weight) * static_cast<double>(v[k]));
  }
};
/// The weights are softmax over the steps so far: sums of exp(score - the largest so far), Milakov and Gimelshein 2018.
struct StreamAttend : StepFunction {
  static Index width(Widths of, Numbers) { return of[1]; }
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

UNROLL_FUNCTION LayerPointer graph_function(std::string_view name, std::span<const double> numbers,
                                            std::span<const Index> widths) {
  LayerPointer made;
  const auto is = [&]<class F>(std::string_view its, std::size_t inputs, std::size_t options, const F*) {
    if (name != its) return false;
    require(widths.size() == inputs && numbers.size() == options, "stream::AnyModel: ", name, " of ", widths.size(),
            " values with ", numbers.size(), " options, expected ", inputs, " and ", options);
    made = std::make_unique<GraphFunction<F>>(numbers, widths);
    return true;
  };
  const bool known =
      is("+", 2, 0, static_cast<StreamSum*>(nullptr)) || is("-", 2, 0, static_cast<StreamDifference*>(nullptr)) ||
      is("*", 2, 0, static_cast<StreamProduct*>(nullptr)) || is("scale", 1, 1, static_cast<StreamScale*>(nullptr)) ||
      is("concat_rows", 2, 0, static_cast<StreamConcat*>(nullptr)) ||
      is("rows", 1, 2, static_cast<StreamRows*>(nullptr)) ||
      is("mean_over_time", 1, 0, static_cast<StreamMean*>(nullptr)) ||
      is("max_over_time", 1, 0, static_cast<StreamMaximum*>(nullptr)) ||
      is("weighted_sum", 2, 0, static_cast<StreamWeightedSum*>(nullptr)) ||
      is("attend", 2, 0, static_cast<StreamAttend*>(nullptr));
  require(known, "stream::AnyModel: no function is called '", name, "'");
  return made;
}

}  // namespace unroll::inline UNROLL_ABI::detail
