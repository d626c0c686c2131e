// What is written over `visit`, for every model at once.
#pragma once

#include <unroll/core/parameter.hpp>

namespace unroll::inline UNROLL_ABI {

template <class T> void set_zero(Matrix<T>& m) { m.setZero(); }
/// Only the touched columns, and forgets them.
template <class T> void set_zero(Table<T>& table) {
  for (const Index v : table.touched) {
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
  if (pattern.empty()) return path.empty();
  if (pattern.front() == '*')
    return matches(pattern.substr(1), path) || (!path.empty() && matches(pattern, path.substr(1)));
  return !path.empty() && pattern.front() == path.front() && matches(pattern.substr(1), path.substr(1));
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

/// Copies every parameter, across scalar types. Throws where the shapes differ.
template <Visitable To, Visitable From> void copy_parameters(const From& from, To& to) {
  visit(
      [](const Path& path, auto& a, const auto& b) {
        require(a.rows() == b.rows() && a.cols() == b.cols(), "copy_parameters: ", path.str(), " is ", a.rows(), " x ",
                a.cols(), " here and ", b.rows(), " x ", b.cols(), " there");
        a = b.template cast<typename std::remove_cvref_t<decltype(a)>::Scalar>();
      },
      to, from);
}

}  // namespace unroll::inline UNROLL_ABI
