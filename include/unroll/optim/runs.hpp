// Which elements of a gradient may differ from zero: all of a parameter's, the touched columns of a table's.
#pragma once

#include <unroll/core/parameter.hpp>
#include <unroll/core/range.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// A table that somebody else has filled may name columns that it does not have.
template <class P> void check_touched(const char* who, const Path& path, const P& p) {
  if constexpr (is_table<P>)
    for (const Index v : p.touched)
      if (v < 0 || v >= p.cols()) [[unlikely]]
        fail(who, ": the gradient of ", path.str(), " names column ", v, " as touched, it has ", p.cols());
}

/// f(first element, number of elements) for every run of elements that may differ from zero.
template <class P, class F> void for_each_run(P& p, const F& f) {
  if constexpr (is_table<P>) {
    for (const Index v : p.touched) f(p.data() + v * p.rows(), p.rows());
  } else {
    f(p.data(), p.size());
  }
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
