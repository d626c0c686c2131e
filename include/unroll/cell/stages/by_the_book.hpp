// A step of a cell in stages by the book: its `forward` over whole vectors of doubles.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <type_traits>
#include <vector>

#include <unroll/cell/staged_cell.hpp>
#include <unroll/kernel/functions.hpp>
#include <unroll/kind/by_the_book.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// One value of every unit; one of a single number is that of all.
class UnitVector {
 public:
  using One = Value<double>;
  UnitVector() : values_{0} {}
  template <class Number> requires std::is_arithmetic_v<Number>
  UnitVector(Number number) : values_{static_cast<double>(number)} {}
  UnitVector(const double* from, Index n) : values_(from, from + n) {}

  std::size_t size() const { return values_.size(); }
  double at(std::size_t k) const { return values_[size() == 1 ? 0 : k]; }

  /// f of each unit's values.
  template <class F, class... More> static UnitVector map(const F& f, const UnitVector& a, const More&... more) {
    UnitVector result;
    result.values_.resize((std::max)({a.size(), more.size()...}));
    for (std::size_t k = 0; k < result.size(); ++k) result.values_[k] = f(One(a.at(k)), One(more.at(k))...)[0];
    return result;
  }
  template <std::size_t n> static std::array<UnitVector, n> normalized(std::array<UnitVector, n> all) {
    double count = 0, mean = 0, variance = 0;
    for (const UnitVector& a : all) count += static_cast<double>(a.size());
    for (const UnitVector& a : all)
      for (const double v : a.values_) mean += v / count;
    for (const UnitVector& a : all)
      for (const double v : a.values_) variance += (v - mean) * (v - mean) / count;
    for (UnitVector& a : all)
      for (double& v : a.values_) v = (v - mean) / std::sqrt(variance + 1e-5);
    return all;
  }

  friend UnitVector operator+(const UnitVector& a, const UnitVector& b) {
    return map([](One x, One y) { return x + y; }, a, b);
  }
  friend UnitVector operator-(const UnitVector& a, const UnitVector& b) {
    return map([](One x, One y) { return x - y; }, a, b);
  }
  friend UnitVector operator*(const UnitVector& a, const UnitVector& b) {
    return map([](One x, One y) { return x * y; }, a, b);
  }
  friend UnitVector operator/(const UnitVector& a, const UnitVector& b) {
    return map([](One x, One y) { return x / y; }, a, b);
  }
  friend UnitVector operator-(const UnitVector& a) { return 0 - a; }
  friend UnitVector operator+(const UnitVector& a) { return a; }
  UnitVector& operator+=(const UnitVector& b) { return *this = *this + b; }
  UnitVector& operator-=(const UnitVector& b) { return *this = *this - b; }
  UnitVector& operator*=(const UnitVector& b) { return *this = *this * b; }
  UnitVector& operator/=(const UnitVector& b) { return *this = *this / b; }

  // Comparisons give 1 or 0.
  friend UnitVector operator<(const UnitVector& a, const UnitVector& b) {
    return map([](One x, One y) { return select(x < y, One(1), One(0)); }, a, b);
  }
  friend UnitVector operator<=(const UnitVector& a, const UnitVector& b) { return !(b < a); }
  friend UnitVector operator>(const UnitVector& a, const UnitVector& b) { return b < a; }
  friend UnitVector operator>=(const UnitVector& a, const UnitVector& b) { return !(a < b); }
  friend UnitVector operator==(const UnitVector& a, const UnitVector& b) { return (a <= b) & (b <= a); }
  friend UnitVector operator!=(const UnitVector& a, const UnitVector& b) { return !(a == b); }
  friend UnitVector operator!(const UnitVector& a) { return 1 - a; }
  friend UnitVector operator&(const UnitVector& a, const UnitVector& b) { return a * b; }
  friend UnitVector operator|(const UnitVector& a, const UnitVector& b) { return a.larger(b); }
  friend UnitVector select(const UnitVector& condition, const UnitVector& a, const UnitVector& b) {
    return map([](One c, One x, One y) { return select(c > One(0), x, y); }, condition, a, b);
  }

  UnitVector smaller(const UnitVector& b) const {
    return map([](One x, One y) { return x.smaller(y); }, *this, b);
  }
  UnitVector larger(const UnitVector& b) const {
    return map([](One x, One y) { return x.larger(y); }, *this, b);
  }
  friend UnitVector(min)(const UnitVector& a, const UnitVector& b) { return a.smaller(b); }
  friend UnitVector(max)(const UnitVector& a, const UnitVector& b) { return a.larger(b); }
  friend UnitVector relu(const UnitVector& a) { return a.larger(0); }
  friend UnitVector clamp(const UnitVector& x, const UnitVector& low, const UnitVector& high) {
    return high.smaller(low.larger(x));
  }
  friend UnitVector fma(const UnitVector& a, const UnitVector& b, const UnitVector& c) { return a * b + c; }
  friend UnitVector abs(const UnitVector& a) {
    return map([](One x) { return abs(x); }, a);
  }
  friend UnitVector sqrt(const UnitVector& a) {
    return map([](One x) { return sqrt(x); }, a);
  }
  friend UnitVector exp(const UnitVector& a) {
    return map([](One x) { return exp(x); }, a);
  }
  friend UnitVector log(const UnitVector& a) {
    return map([](One x) { return log(x); }, a);
  }
  friend UnitVector tanh(const UnitVector& a) {
    return map([](One x) { return tanh(x); }, a);
  }
  friend UnitVector sigmoid(const UnitVector& a) {
    return map([](One x) { return sigmoid(x); }, a);
  }
  template <std::size_t n> friend std::array<UnitVector, n> normalize(const std::array<UnitVector, n>& all) {
    return normalized(all);
  }
  friend UnitVector normalize(const UnitVector& a) { return normalized(std::array{a})[0]; }

 private:
  std::vector<double> values_;
};

/// U(g, v) and U.project(v) of a step by the book.
struct ProductsByTheBook {
  const ReferenceStep& step;
  UnitVector operator()(int gate, const UnitVector& v) const {
    step.multiply(gate, 1, all_of(v, step.weight_hh.cols()).data());
    return {step.u + gate * step.units, step.units};
  }
  UnitVector project(const UnitVector& v) const {
    std::vector<double> h(static_cast<std::size_t>(step.outputs));
    step.project(all_of(v, step.units).data(), h.data());
    return {h.data(), step.outputs};
  }

 private:
  static std::vector<double> all_of(const UnitVector& v, Index n) {
    std::vector<double> all(static_cast<std::size_t>(n));
    for (std::size_t k = 0; k < all.size(); ++k) all[k] = v.at(k);
    return all;
  }
};

template <class E> void run_staged_step(const ReferenceStep& s) {
  std::array<UnitVector, E::P> p;
  std::array<UnitVector, E::GX> x;
  std::array<UnitVector, E::S> prev, next;
  const auto read = [&](auto& values, const double* from) {
    for (std::size_t k = 0; k < values.size(); ++k)
      values[k] = UnitVector(from + static_cast<Index>(k) * s.units, s.units);
  };
  read(p, s.unit), read(x, s.x);
  for (std::size_t f = 0; f < prev.size(); ++f)
    prev[f] = UnitVector(s.field(static_cast<Index>(f)), s.field_rows(static_cast<Index>(f)));
  const ProductsByTheBook U{s};
  if constexpr (E::P > 0)
    E::forward(p, U, x, prev, next);
  else
    E::forward(U, x, prev, next);
  for (std::size_t f = 0; f < next.size(); ++f)
    for (Index k = 0; k < s.field_rows(static_cast<Index>(f)); ++k)
      s.field(static_cast<Index>(f))[k] = next[f].at(static_cast<std::size_t>(k));
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
