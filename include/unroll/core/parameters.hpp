// What is written over `visit`, for every model at once.
#pragma once

#include <unroll/core/parameter.hpp>

namespace unroll::inline UNROLL_ABI {

template <class T> void set_zero(Matrix<T>& m) { m.setZero(); }
/// Only the touched columns, and forgets them.
template <class T> void set_zero(Table<T>& table) {
  table.check_marks();
  for (const Index v : table.touched) {
    require(v >= 0 && v < table.cols(), "Table: column ", v, " was touched, expected 0 to ", table.cols() - 1);
    table.col(v).setZero();
    table.marked[static_cast<std::size_t>(v)] = 0;
  }
  table.touched.clear();
}
/// Before the next batch: gradients accumulate, zeroing is the caller's.
template <Visitable M> void set_zero(M& gradient) {
  visit([](const Path&, auto& p) { set_zero(p); }, gradient);
}

/// A gradient or a moment of `model`: its type, its shapes, all zero; parameters that are not trainable are empty.
template <Visitable M> M zeros_like(const M& model) {
  M zeros = model;
  visit(
      [](const Path&, auto& p) {
        if (p.trainable)
          p.setZero();
        else
          p = std::remove_cvref_t<decltype(p)>();
      },
      zeros);
  return zeros;
}

/// Number of scalars, trainable or not.
template <Visitable M> Index count_parameters(const M& model) {
  Index n = 0;
  visit([&](const Path&, const auto& p) { n += p.size(); }, model);
  return n;
}
template <Visitable M> Index count_trainable(const M& model) {
  Index n = 0;
  visit([&](const Path&, const auto& p) { n += p.trainable ? p.size() : 0; }, model);
  return n;
}
/// Whether anything in it would move in training.
template <Visitable M> bool any_trainable(const M& model) { return count_trainable(model) > 0; }

/// `*` stands for any run of characters, dots too; everything else for itself.
inline bool matches(std::string_view pattern, std::string_view path) {
  constexpr auto none = std::string_view::npos;
  std::size_t at = 0, star = none, after = 0;  // the last star, and the first character that it does not stand for
  for (std::size_t k = 0; k < path.size();)
    if (at < pattern.size() && pattern[at] == '*')
      star = at++, after = k;
    else if (at < pattern.size() && pattern[at] == path[k])
      ++at, ++k;
    else if (star != none)
      at = star + 1, k = ++after;  // an earlier star need not take more: the last one can
    else
      return false;
  return pattern.find_first_not_of('*', at) == none;
}

namespace detail {
template <class M> void set_trainable(M& model, std::string_view pattern, bool trainable) {
  bool any = false;
  visit(
      [&](const Path& path, auto& p) {
        if (pattern == "*" || matches(pattern, path.str())) any = true, p.trainable = trainable;
      },
      model);
  require(any || pattern == "*", trainable ? "thaw" : "freeze", ": no parameter matches '", pattern, "'");
}
}  // namespace detail
/// From now on the matching parameters (`"0.*"`; all of a layer without a pattern) stay as they are. A gradient or an
/// optimizer made before stays usable; one made by zeros_like afterwards has nothing for them.
template <Visitable M> void freeze(M& model, std::string_view pattern = "*") {
  detail::set_trainable(model, pattern, false);
}
template <Visitable M> void thaw(M& model, std::string_view pattern = "*") {
  detail::set_trainable(model, pattern, true);
}

/// Copies every parameter, across scalar types. Throws where the shapes differ, and has then copied nothing.
template <Visitable To, Visitable From> void copy_parameters(const From& from, To& to) {
  const auto same = [](const Path& path, const auto& a, const auto& b) {
    if (a.rows() != b.rows() || a.cols() != b.cols())
      fail("copy_parameters: ", path.str(), " is ", a.rows(), " x ", a.cols(), " here and ", b.rows(), " x ", b.cols(),
           " there");
  };
  visit(same, std::as_const(to), from);
  visit([&](const Path& path, const auto& b, const auto& a) { same(path, a, b); }, from, std::as_const(to));
  visit([](const Path&, auto& a,
           const auto& b) { a = b.template cast<typename std::remove_cvref_t<decltype(a)>::Scalar>(); },
        to, from);
}

}  // namespace unroll::inline UNROLL_ABI
