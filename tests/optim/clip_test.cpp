#include <bit>
#include <cstdint>
#include <limits>

#include <doctest/doctest.h>

#include <unroll/optim/clip.hpp>

#include "../support/not_finite.hpp"
#include "model.hpp"

using namespace unroll;

namespace {
template <class T> SmallModel<T> six_eight() {
  SmallModel<T> g(1, 2, 1);
  set_zero(g);
  g.weight << T(6);
  g.bias << T(8);
  g.table.setZero();
  return g;
}
template <class M> double norm_of_all(const M& g) {
  double sum = 0;
  visit([&](const Path&, const auto& p) { sum += p.template cast<double>().squaredNorm(); }, g);
  return std::sqrt(sum);
}
}  // namespace

TEST_CASE_TEMPLATE("clipping by the global norm scales to max_norm, not to 1, and returns the norm before", T, float,
                   double) {
  auto g = six_eight<T>();
  CHECK(clip_by_global_norm(g, 5) == doctest::Approx(10));
  CHECK(g.weight(0, 0) == doctest::Approx(3));
  CHECK(g.bias(0, 0) == doctest::Approx(4));
  CHECK(global_norm(g) == doctest::Approx(5));
}

TEST_CASE_TEMPLATE("afterwards the norm is min(before, max_norm)", T, float, double) {
  for (const double limit : {0.01, 0.5, 1.0, 2.0, 3.7, 100.0}) {
    auto g = small_gradient<T>(0.7);
    const double before = norm_of_all(g);
    CHECK(clip_by_global_norm(g, limit) == doctest::Approx(before));
    CHECK(norm_of_all(g) == doctest::Approx(std::min(before, limit)));
    if (before <= limit) CHECK(same_bits(g, small_gradient<T>(0.7)));
  }
}

TEST_CASE("PyTorch's epsilon is an option: the factor is max_norm / (norm + 1e-6)") {
  auto g = six_eight<double>();
  CHECK(clip_by_global_norm(g, 5, {.epsilon = 1e-6}) == 10);
  CHECK(g.weight(0, 0) == doctest::Approx(6 * 5 / (10 + 1e-6)).epsilon(1e-15));
  g = six_eight<double>();
  clip_by_global_norm(g, 10, {.epsilon = 1e-6});
  CHECK(g.bias(0, 0) == doctest::Approx(8 * 10 / (10 + 1e-6)).epsilon(1e-15));
}

TEST_CASE("of a table only the touched columns are read and written") {
  auto g = small_gradient<double>(0.7, {4, 0});
  const double expected = norm_of_all(g);
  g.table.col(2).setConstant(std::numeric_limits<double>::max());  // not touched: nobody may look
  CHECK(global_norm(g) == doctest::Approx(expected));
  CHECK(clip_by_global_norm(g, 0.5) == doctest::Approx(expected));
  clip_each_by_norm(g, 0.1);
  clip_by_value(g, 0.01);
  CHECK(g.table(0, 2) == std::numeric_limits<double>::max());
  CHECK(g.table.col(4).cwiseAbs().maxCoeff() <= 0.01);
}

TEST_CASE("a norm that is not finite is returned and scales nothing") {
  auto g = six_eight<double>();
  g.bias(0, 0) = not_finite::infinity<double>();
  CHECK(std::bit_cast<std::uint64_t>(clip_by_global_norm(g, 5)) == 0x7FF0000000000000);
  CHECK(g.weight(0, 0) == 6);
}

TEST_CASE("clipping each by norm scales every parameter by itself") {
  auto g = six_eight<double>();
  CHECK(clip_each_by_norm(g, 7) == doctest::Approx(10));
  CHECK(g.weight(0, 0) == 6);
  CHECK(g.bias(0, 0) == doctest::Approx(7));
}

TEST_CASE_TEMPLATE("clipping by value limits every element, keeping signs", T, float, double) {
  auto g = small_gradient<T>(0.7);
  const auto before = g;
  clip_by_value(g, 0.25);
  visit(
      [](const Path&, const auto& p, const auto& q) {
        for (Index k = 0; k < p.size(); ++k) CHECK(p.data()[k] == std::min(std::max(q.data()[k], T(-0.25)), T(0.25)));
      },
      g, before);
}

TEST_CASE("clipping by value leaves NaN what it is") {
  auto g = six_eight<float>();
  g.bias(0, 0) = not_finite::nan<float>();
  clip_by_value(g, 0.5);
  CHECK(g.weight(0, 0) == 0.5f);
  CHECK((std::bit_cast<std::uint32_t>(g.bias(0, 0)) & 0x7FFFFFFF) > 0x7F800000);
}

TEST_CASE("the norm has the same bits for any number of threads") {
  SmallModel<float> g(3, 2, 70000);
  fill(g, 0.2);
  const int before = threads();
  set_threads(1);
  const double one = global_norm(g);
  CHECK(one == doctest::Approx(std::sqrt(g.weight.cast<double>().squaredNorm() + g.bias.cast<double>().squaredNorm())));
  for (const int n : {2, 3}) {
    set_threads(n);
    CHECK(global_norm(g) == one);
  }
  set_threads(before);
}

TEST_CASE("a limit that is not positive is an error") {
  auto g = six_eight<float>();
  CHECK_THROWS_WITH_AS(clip_by_global_norm(g, 0), "clip_by_global_norm: the limit is 0, expected more than 0",
                       std::invalid_argument);
  CHECK_THROWS_AS(clip_each_by_norm(g, -1), std::invalid_argument);
  CHECK_THROWS_AS(clip_by_value(g, 0), std::invalid_argument);
}
