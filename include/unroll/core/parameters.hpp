// What is written over `visit`, for every model at once.
#pragma once

#include <concepts>
#include <string_view>
#include <utility>

#include <unroll/core/parameter.hpp>

namespace unroll::inline UNROLL_ABI {

template <class T> UNROLL_API void set_zero(Matrix<T>& m);
/// Only the touched columns, and forgets them.
template <class T> UNROLL_API void set_zero(Table<T>& table);

template <class T> void set_zero(Matrix<T>& m) { m.setZero(); }
template <class T> void set_zero(Table<T>& table) {
  table.check_marks();
  for (const Index v : table.touched) {
    require(v >= 0 && v < table.cols(), "Table: column ", v, " was touched, expected 0 to ", table.cols() - 1);
    table.col(v).setZero();
    table.marked[static_cast<std::size_t>(v)] = 0;
  }
  table.touched.clear();
}

#define UNROLL_SET_ZERO_INSTANCES(DECLARE) \
  DECLARE void set_zero(Matrix<float>&);   \
  DECLARE void set_zero(Matrix<double>&);  \
  DECLARE void set_zero(Table<float>&);    \
  DECLARE void set_zero(Table<double>&);
#if !UNROLL_HEADER_ONLY
UNROLL_SET_ZERO_INSTANCES(extern template)
#endif

// What is done to each parameter is no lambda, so it is compiled once and not for each model.
namespace detail {
struct SetZero {
  template <class P> void operator()(const Path&, P& p) const { set_zero(p); }
};
struct BecomeZeros {
  template <class P> void operator()(const Path&, P& p) const {
    if (p.trainable)
      set_zero(static_cast<Matrix<typename P::Scalar>&>(p));
    else
      p = P();
  }
};
struct CountParameters {
  Index all = 0, trainable = 0;
  template <class P> void operator()(const Path&, const P& p) {
    all += p.size();
    trainable += p.trainable ? p.size() : 0;
  }
};
}  // namespace detail

/// Before the next batch: gradients accumulate, zeroing is the caller's.
template <Visitable M> void set_zero(M& gradient) { visit(detail::SetZero(), gradient); }

/// A gradient or a moment of `model`: its type, its shapes, all zero; parameters that are not trainable are empty.
template <Visitable M> M zeros_like(const M& model) {
  M zeros = model;
  visit(detail::BecomeZeros(), zeros);
  return zeros;
}

/// Number of scalars, trainable or not.
template <Visitable M> Index count_parameters(const M& model) {
  detail::CountParameters n;
  visit(n, model);
  return n.all;
}
template <Visitable M> Index count_trainable(const M& model) {
  detail::CountParameters n;
  visit(n, model);
  return n.trainable;
}
/// Whether anything in it would move in training.
template <Visitable M> bool any_trainable(const M& model) { return count_trainable(model) > 0; }

/// `*` stands for any run of characters, dots too; everything else for itself.
UNROLL_API bool matches(std::string_view pattern, std::string_view path);

namespace detail {
struct SetTrainable {
  std::string_view pattern;
  bool trainable, any = false;
  template <class P> void operator()(const Path& path, P& p) { set(path, p.trainable); }
  UNROLL_API void set(const Path& path, bool& of_parameter);
  /// Throws where no parameter matched.
  UNROLL_API void finish() const;
};
template <class M> void set_trainable(M& model, std::string_view pattern, bool trainable) {
  SetTrainable set{pattern, trainable};
  visit(set, model);
  set.finish();
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

namespace detail {
UNROLL_API void require_same_shape(const Path& path, Index rows, Index cols, Index rows_there, Index cols_there);
struct RequireSameShape {
  template <class P, class Q> void operator()(const Path& path, const P& a, const Q& b) const {
    require_same_shape(path, a.rows(), a.cols(), b.rows(), b.cols());
  }
};
struct CopyParameter {
  template <class P, class Q> void operator()(const Path&, P& to, const Q& from) const {
    if constexpr (std::same_as<typename P::Scalar, typename Q::Scalar>)
      static_cast<Matrix<typename P::Scalar>&>(to) = from;
    else
      to = from.template cast<typename P::Scalar>();
  }
};
}  // namespace detail

/// Copies every parameter, across scalar types. Throws where the shapes differ, and has then copied nothing.
template <Visitable To, Visitable From> void copy_parameters(const From& from, To& to) {
  visit(detail::RequireSameShape(), std::as_const(to), from);
  // The other way round too: what is absent in the first is not visited.
  visit([](const Path& path, const auto& a,
           const auto& b) { detail::require_same_shape(path, b.rows(), b.cols(), a.rows(), a.cols()); },
        from, std::as_const(to));
  visit(detail::CopyParameter(), to, from);
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/core/parameters.ipp>
#endif
