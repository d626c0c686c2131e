// Softmax of columns and scores of attention at every level, any number of rows, nothing written behind the last.
#include <algorithm>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/kernel/additive_scores.hpp>
#include <unroll/kernel/elementwise.hpp>
#include <unroll/kernel/softmax.hpp>

#include "levels.hpp"

using namespace unroll;

namespace {

constexpr Index columns = 3, behind = 5;  // a column is so many longer than its rows

template <class T> struct Columns {
  Index rows;
  std::vector<T> of;

  Columns(Index n, double shift) : rows(n) {
    for (Index i = 0; i < (n + behind) * columns; ++i)
      of.push_back(static_cast<T>(2 * std::sin(static_cast<double>(i) * 1.3 + shift)));
  }
  View<T> view() { return {of.data(), rows, columns, rows + behind}; }
  T& at(Index i, Index n) { return of[static_cast<std::size_t>(n * (rows + behind) + i)]; }
  double distance(Index i, Index n, double to) { return std::abs(static_cast<double>(at(i, n)) - to); }
  bool same_behind(Columns& before) {
    bool same = true;
    for (Index n = 0; n < columns; ++n)
      for (Index i = rows; i < rows + behind; ++i) same = same && at(i, n) == before.at(i, n);
    return same;
  }
};

}  // namespace

TEST_CASE_TEMPLATE("a softmax of columns, and its gradient", T, float, double) {
  for_each_level([](SimdLevel level) {
    CAPTURE(name(level));
    double worst = 0;
    for (Index rows = 1; rows < 70; ++rows) {
      Columns<T> x(rows, 0), again = x, d(rows, 1), x0 = x, d0 = d;
      T largest[columns], sum[columns], sum_of_x[columns], log_sum[columns];
      detail::dispatch<detail::SoftmaxColumns>(detail::SoftmaxBlock<T>{x.view(), largest, sum, sum_of_x});
      for (Index n = 0; n < columns; ++n) log_sum[n] = largest[n] + std::log(sum[n]);
      detail::dispatch<detail::ExpColumns>(again.view(), static_cast<const T*>(log_sum));
      detail::dispatch<detail::SoftmaxBackward>(View<const T>(again.view()), d.view());
      for (Index n = 0; n < columns; ++n) {
        double total = 0, mean = 0;
        for (Index i = 0; i < rows; ++i) total += std::exp(static_cast<double>(x0.at(i, n)));
        for (Index i = 0; i < rows; ++i)
          mean += std::exp(static_cast<double>(x0.at(i, n))) / total * double(d0.at(i, n));
        for (Index i = 0; i < rows; ++i) {
          const double p = std::exp(static_cast<double>(x0.at(i, n))) / total;
          worst = std::max({worst, std::abs(static_cast<double>(x.at(i, n) / sum[n]) - p), again.distance(i, n, p),
                            d.distance(i, n, p * (double(d0.at(i, n)) - mean))});
        }
      }
      CHECK(x.same_behind(x0));
      CHECK(again.same_behind(x0));
      CHECK(d.same_behind(d0));
    }
    CHECK(worst < (sizeof(T) == 4 ? 2e-6 : 1e-14));
  });
}

TEST_CASE_TEMPLATE("the score of additive attention, its gradient, and a dot product", T, float, double) {
  for_each_level([](SimdLevel level) {
    CAPTURE(name(level));
    double worst = 0;
    for (Index n = 0; n < 70; ++n) {
      Columns<T> a(n, 0), b(n, 1), d(n, 2), d0 = d;  // q, k, v and the gradients of these
      const T got = detail::dispatch<detail::AdditiveScore>(n, &a.at(0, 0), &a.at(0, 1), &b.at(0, 0)),
              dot = detail::dispatch<detail::Dot>(n, &a.at(0, 0), &b.at(0, 0));
      for_each_element(n, detail::AdditiveScoreBackward<T>{T(0.5)}, &a.at(0, 0), &a.at(0, 1), &b.at(0, 0), &d.at(0, 0),
                       &d.at(0, 1), &d.at(0, 2));
      double score = 0, expected_dot = 0;
      for (Index i = 0; i < n; ++i) {
        const double u = std::tanh(double(a.at(i, 0)) + double(a.at(i, 1))), v = double(b.at(i, 0));
        score += v * u;
        expected_dot += double(a.at(i, 0)) * v;
        const double dq = 0.5 * v * (1 - u * u);
        worst = std::max({worst, d.distance(i, 0, double(d0.at(i, 0)) + dq), d.distance(i, 1, double(d0.at(i, 1)) + dq),
                          d.distance(i, 2, double(d0.at(i, 2)) + 0.5 * u)});
      }
      worst = std::max({worst, std::abs(double(got) - score) / 30, std::abs(double(dot) - expected_dot) / 30});
    }
    CHECK(worst < (sizeof(T) == 4 ? 1e-6 : 1e-14));
  });
}
