// Functions of the values of a Composite's wiring, element by element and row by row: h + x, concat_rows(a, b), rows(h,
// first, count), ..
#pragma once

#include <unroll/layer/tape_calls.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class Y> void require_alike(const char* who, const Y& a, const Y& b, bool rows_too = true) {
  require(values(a).cols() == values(b).cols() && (!rows_too || values(a).rows() == values(b).rows()), who, ": ",
          values(a).rows(), " x ", values(a).cols(), " and ", values(b).rows(), " x ", values(b).cols());
  if constexpr (is_packed<Y>) require(a.packing == b.packing, who, ": sequences of different lengths");
}
/// f(first, n): a part of the columns.
template <class F> void for_columns(Index cols, const F& f) {
  parallel_ranges(cols, 256, [&](Index first, Index last) { f(first, last - first); });
}

struct SumFunction {
  static constexpr std::string_view name = "+";
  template <class Y, class> using Output = Y;
  template <class Y, class> struct Cache {
    Y y;
  };
  template <class Y> const Y& forward(const Y& a, const Y& b, Cache<Y, Y>& c) const {
    require_alike("+", a, b);
    add_values(c.y, a, b);
    return c.y;
  }
  template <class Y> std::tuple<const Y&, const Y&> backward(const Y&, const Y&, const Y& dy, Cache<Y, Y>&) const {
    return {dy, dy};
  }
};

struct DifferenceFunction {
  static constexpr std::string_view name = "-";
  template <class Y, class> using Output = Y;
  template <class Y, class> struct Cache {
    Y y, db;
  };
  template <class Y> const Y& forward(const Y& a, const Y& b, Cache<Y, Y>& c) const {
    require_alike("-", a, b);
    shape_like(c.y, a, values(a).rows());
    for_columns(values(a).cols(), [&](Index k, Index n) {
      values(c.y).middleCols(k, n) = values(a).middleCols(k, n) - values(b).middleCols(k, n);
    });
    return c.y;
  }
  template <class Y> std::tuple<const Y&, const Y&> backward(const Y&, const Y& b, const Y& dy, Cache<Y, Y>& c) const {
    shape_like(c.db, b, values(b).rows());
    for_columns(values(b).cols(),
                [&](Index k, Index n) { values(c.db).middleCols(k, n) = -values(dy).middleCols(k, n); });
    return {dy, c.db};
  }
};

struct ProductFunction {
  static constexpr std::string_view name = "*";
  template <class Y, class> using Output = Y;
  template <class Y, class> struct Cache {
    Y y, da, db;
  };
  template <class Y> const Y& forward(const Y& a, const Y& b, Cache<Y, Y>& c) const {
    require_alike("*", a, b);
    multiply(a, b, c.y);
    return c.y;
  }
  template <class Y>
  std::tuple<const Y&, const Y&> backward(const Y& a, const Y& b, const Y& dy, Cache<Y, Y>& c) const {
    multiply(dy, b, c.da);
    multiply(dy, a, c.db);
    return {c.da, c.db};
  }

 private:
  template <class Y> static void multiply(const Y& a, const Y& b, Y& to) {
    shape_like(to, a, values(a).rows());
    for_columns(values(a).cols(), [&](Index k, Index n) {
      values(to).middleCols(k, n) = values(a).middleCols(k, n).cwiseProduct(values(b).middleCols(k, n));
    });
  }
};

struct ScaledFunction {
  static constexpr std::string_view name = "scale";
  std::vector<double> numbers() const { return {factor}; }
  double factor = 1;
  template <class Y> using Output = Y;
  template <class Y> struct Cache {
    Y y, dx;
  };
  template <class Y> const Y& forward(const Y& x, Cache<Y>& c) const { return scale(x, c.y); }
  template <class Y> const Y& backward(const Y&, const Y& dy, Cache<Y>& c) const { return scale(dy, c.dx); }

 private:
  template <class Y> const Y& scale(const Y& x, Y& to) const {
    using T = typename std::remove_cvref_t<decltype(values(x))>::Scalar;
    shape_like(to, x, values(x).rows());
    for_columns(values(x).cols(), [&](Index k, Index n) {
      values(to).middleCols(k, n) = static_cast<T>(factor) * values(x).middleCols(k, n);
    });
    return to;
  }
};

struct ConcatRowsFunction {
  static constexpr std::string_view name = "concat_rows";
  template <class Y, class> using Output = Y;
  template <class Y, class> struct Cache {
    Y y, da, db;
  };
  template <class Y> const Y& forward(const Y& a, const Y& b, Cache<Y, Y>& c) const {
    require_alike("concat_rows", a, b, false);
    shape_like(c.y, a, values(a).rows() + values(b).rows());
    for_columns(values(a).cols(), [&](Index k, Index n) {
      values(c.y).middleCols(k, n).topRows(values(a).rows()) = values(a).middleCols(k, n);
      values(c.y).middleCols(k, n).bottomRows(values(b).rows()) = values(b).middleCols(k, n);
    });
    return c.y;
  }
  template <class Y>
  std::tuple<const Y&, const Y&> backward(const Y& a, const Y& b, const Y& dy, Cache<Y, Y>& c) const {
    shape_like(c.da, a, values(a).rows());
    shape_like(c.db, b, values(b).rows());
    for_columns(values(a).cols(), [&](Index k, Index n) {
      values(c.da).middleCols(k, n) = values(dy).middleCols(k, n).topRows(values(a).rows());
      values(c.db).middleCols(k, n) = values(dy).middleCols(k, n).bottomRows(values(b).rows());
    });
    return {c.da, c.db};
  }
};

struct RowsFunction {
  static constexpr std::string_view name = "rows";
  std::vector<double> numbers() const { return {static_cast<double>(first), static_cast<double>(count)}; }
  Index first = 0, count = 0;
  template <class Y> using Output = Y;
  template <class Y> struct Cache {
    Y y, dx;
  };
  template <class Y> const Y& forward(const Y& x, Cache<Y>& c) const {
    require(first >= 0 && count >= 1 && first + count <= values(x).rows(), "rows: ", count, " from ", first, " of ",
            values(x).rows());
    shape_like(c.y, x, count);
    for_columns(values(x).cols(), [&](Index k, Index n) {
      values(c.y).middleCols(k, n) = values(x).middleCols(k, n).middleRows(first, count);
    });
    return c.y;
  }
  template <class Y> const Y& backward(const Y& x, const Y& dy, Cache<Y>& c) const {
    shape_like(c.dx, x, values(x).rows());
    for_columns(values(x).cols(), [&](Index k, Index n) {
      auto dx = values(c.dx).middleCols(k, n);
      dx.setZero();
      dx.middleRows(first, count) = values(dy).middleCols(k, n);
    });
    return c.dx;
  }
};

}  // namespace detail

// Y is a Matrix or a PackedSequence; both sides have the same shape.

namespace detail {
/// f(a, b) of two values of one kind.
template <class F, class A, class B> Node<A> apply_alike(const F& f, const Node<A>& a, const Node<B>& b) {
  constexpr bool alike = std::same_as<A, B>;  // a compiler lists no reasons for a variable
  static_assert(alike,
                "unroll: the two values are of different kinds: a PackedSequence has a column for each step, a Matrix "
                "one for each sequence: each_step(v, like) gives the one out of the other.");
  if constexpr (alike)
    return apply(f, a, b);
  else
    return a;
}
}  // namespace detail

template <class A, class B> Node<A> operator+(const Node<A>& a, const Node<B>& b) {
  return detail::apply_alike(detail::SumFunction{}, a, b);
}
template <class A, class B> Node<A> operator-(const Node<A>& a, const Node<B>& b) {
  return detail::apply_alike(detail::DifferenceFunction{}, a, b);
}
/// Element by element.
template <class A, class B> Node<A> operator*(const Node<A>& a, const Node<B>& b) {
  return detail::apply_alike(detail::ProductFunction{}, a, b);
}
template <class Y> Node<Y> operator*(double factor, const Node<Y>& x) {
  return apply(detail::ScaledFunction{factor}, x);
}

/// a above b: (A, n) and (B, n) give (A + B, n).
template <class A, class B> Node<A> concat_rows(const Node<A>& a, const Node<B>& b) {
  return detail::apply_alike(detail::ConcatRowsFunction{}, a, b);
}
template <class A, class B, class C, class... More>
Node<A> concat_rows(const Node<A>& a, const Node<B>& b, const Node<C>& c, const More&... more) {
  return concat_rows(concat_rows(a, b), c, more...);
}
/// Features first .. first + count - 1.
template <class Y> Node<Y> rows(const Node<Y>& x, Index first, Index count) {
  return apply(detail::RowsFunction{first, count}, x);
}

}  // namespace unroll::inline UNROLL_ABI
