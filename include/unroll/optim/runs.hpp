// Which elements of a gradient may differ from zero: all of a parameter's, the touched columns of a table's.
#pragma once

#include <vector>

#include <unroll/core/parameter.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Null where all of them may.
template <class P> const std::vector<Index>* touched_columns(const P& p) {
  if constexpr (is_table<P>)
    return &p.touched;
  else
    return nullptr;
}
/// A table that somebody else has filled may name columns that it does not have.
UNROLL_API void check_touched(const char* who, const Path& path, Index cols, const std::vector<Index>* touched);

/// f(first element, number of elements) for every run of elements that may differ from zero.
template <class M, class F> void for_each_run(M& m, const std::vector<Index>* touched, const F& f) {
  if (touched == nullptr) return f(m.data(), m.size());
  for (const Index v : *touched) f(m.data() + v * m.rows(), m.rows());
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/optim/runs.ipp>
#endif
