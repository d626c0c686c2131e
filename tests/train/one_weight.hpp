// A model of one number, for runs that only have to have one.
#pragma once

#include <unroll/core/parameters.hpp>

struct OneWeight {
  using Scalar = double;
  unroll::Parameter<double> w = unroll::Matrix<double>::Zero(1, 1);

  operator double() const { return w(0, 0); }
  OneWeight& operator=(double to) {
    w(0, 0) = to;
    return *this;
  }
  template <class F, class... Self> static void visit(F&& f, const unroll::Path& at, Self&... self) {
    f(at.leaf("w", unroll::Kind::weight), self.w...);
  }
};
