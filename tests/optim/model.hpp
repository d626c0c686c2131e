// The smallest model with every kind of parameter, for the tests of this folder.
#pragma once

#include <cmath>

#include <unroll/core/parameters.hpp>

template <class T> struct SmallModel {
  unroll::Table<T> table;
  unroll::Parameter<T> weight, bias, absent;

  SmallModel() = default;
  SmallModel(unroll::Index d, unroll::Index v, unroll::Index h) : table(d, v), weight(h, d), bias(h, 1) {}

  template <class F, class... Self> static void visit(F&& f, const unroll::Path& at, Self&... self) {
    const auto embedding = at / "embedding", dense = at / "dense";
    f(embedding.leaf("weight", unroll::Kind::table), self.table...);
    f(dense.leaf("weight", unroll::Kind::weight), self.weight...);
    f(dense.leaf("absent", unroll::Kind::bias), self.absent...);
    f(dense.leaf("bias", unroll::Kind::bias), self.bias...);
  }
};

/// Distinct values everywhere, none of them 0.
template <class M> void fill(M& model, double phase) {
  unroll::visit(
      [&](const unroll::Path&, auto& p) {
        using T = typename std::remove_cvref_t<decltype(p)>::Scalar;
        for (unroll::Index k = 0; k < p.size(); ++k) p.data()[k] = static_cast<T>(std::sin(phase += 1.3));
      },
      model);
}

template <class T> SmallModel<T> small_model(double phase = 0.1) {
  SmallModel<T> model(3, 5, 4);
  fill(model, phase);
  return model;
}

/// As backward leaves it: of the table only the columns named.
template <class T> SmallModel<T> small_gradient(double phase, std::initializer_list<unroll::Index> touched = {1, 3}) {
  auto gradient = small_model<T>(phase);
  const unroll::Matrix<T> all = gradient.table;
  gradient.table.setZero();
  for (const unroll::Index v : touched) {
    gradient.table.touch(v);
    gradient.table.col(v) = all.col(v);
  }
  return gradient;
}

template <class M> bool same_bits(const M& a, const M& b) {
  bool same = true;
  unroll::visit([&](const unroll::Path&, const auto& p, const auto& q) { same = same && p == q; }, a, b);
  return same;
}

/// The largest difference of any two parameters.
template <class M> double distance(const M& a, const M& b) {
  double most = 0;
  unroll::visit([&](const unroll::Path&, const auto& p,
                    const auto& q) { most = std::max(most, double((p - q).cwiseAbs().maxCoeff())); },
                a, b);
  return most;
}
