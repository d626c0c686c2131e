#include <cmath>
#include <initializer_list>
#include <limits>

#include <doctest/doctest.h>

#include <unroll/stream/kernel/activations.hpp>

using namespace unroll;

namespace {

/// f(x, tanh, sigmoid) for floats all over the line, dense near 0 and where a function saturates.
template <class F> void for_each_float(const F& f) {
  for (double x = 0; x < 30; x += 1.7e-4)
    for (const double s : {-x, x}) f(static_cast<float>(s));
#if defined(__FAST_MATH__)
  constexpr int lowest = -120;  // what is smaller than the smallest normal number is zero there
#else
  constexpr int lowest = -140;
#endif
  for (int e = lowest; e < 120; ++e)
    for (const double m : {1.0, 1.37, 1.9})
      f(static_cast<float>(std::ldexp(m, e))), f(static_cast<float>(-std::ldexp(m, e)));
}
template <class Functions> struct Errors {
  double tanh_ulp = 0, tanh_relative = 0, sigmoid = 0;
  Errors() {
    for_each_float([this](float x) {
      const double exact = std::tanh(double(x)), got = double(float(Functions::tanh(Value<float>(x))));
      const float magnitude = std::max(std::abs(static_cast<float>(exact)), std::numeric_limits<float>::min());
      const double ulp = double(std::nextafter(magnitude, 2.f)) - double(magnitude);
      tanh_ulp = std::max(tanh_ulp, std::abs(got - exact) / ulp);
      tanh_relative = std::max(tanh_relative, std::abs(got - exact) / double(magnitude));
      const double s = double(float(Functions::sigmoid(Value<float>(x))));
      sigmoid = std::max(sigmoid, std::abs(s - 1 / (1 + std::exp(-double(x)))));
    });
  }
};

}  // namespace

TEST_CASE("the activations of streams are as accurate as they say") {
  const Errors<stream::Accurate> accurate;
  CHECK(accurate.tanh_ulp <= 6);
  CHECK(accurate.sigmoid <= 2e-7);
  const Errors<stream::Fast> fast;
  CHECK(fast.tanh_relative <= 1.5e-4);
  CHECK(fast.sigmoid <= 7.5e-5);
}

TEST_CASE("the activations of streams: the ends of the line") {
  const float infinity = std::numeric_limits<float>::infinity();
  using V = Simd<float, 4>;
  CHECK(stream::Accurate::tanh(V(infinity))[1] == doctest::Approx(1));
  CHECK(stream::Accurate::tanh(V(-infinity))[1] == doctest::Approx(-1));
  CHECK(stream::Accurate::sigmoid(V(infinity))[1] == doctest::Approx(1));
  CHECK(std::abs(stream::Accurate::sigmoid(V(-infinity))[1]) < 2e-7f);
#if !defined(__FAST_MATH__)
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(stream::Accurate::tanh(V(nan))[2]));
  CHECK(std::isnan(stream::Accurate::sigmoid(V(nan))[2]));
#endif
  CHECK(stream::Accurate::tanh(Value<double>(0.3))[0] == doctest::Approx(std::tanh(0.3)).epsilon(1e-15));
}
