// Functions of the values of a Composite's wiring: h + x, concat_rows(a, b), final_output(h), mean_over_time(h), ..
#pragma once

#include <unroll/layer/tape.hpp>

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

template <class L> struct FinalOutputFunction {
  const L* layer = nullptr;
  template <class> using Output = Matrix<typename L::Scalar>;
  template <class S> struct Cache {
    Output<S> y;
    S d;
  };
  template <class S> const Output<S>& forward(const S& state, Cache<S>& c) const {
    layer->final_output(state, c.y);
    return c.y;
  }
  template <class S> const S& backward(const S& state, const Output<S>& dy, Cache<S>& c) const {
    layer->final_output_backward(state, dy, c.d);
    return c.d;
  }
};

/// One column a sequence out of its steps: what follows is written over one sequence, j-th in sorted order. Threads
/// take whole sequences.
template <class F> void for_sequences(const Packing& p, const F& f) {
  parallel_ranges(p.batch(), 1, [&](Index first, Index last) {
    for (Index j = first; j < last; ++j) f(j, p.row(j), p.length(j));
  });
}

struct MeanOverTimeFunction {
  template <class X> using Output = decltype(X::values);
  template <class X> struct Cache {
    Output<X> y;
    X dx;
  };
  template <class X> const Output<X>& forward(const X& x, Cache<X>& c) const {
    using T = typename Output<X>::Scalar;
    c.y.resize(x.values.rows(), x.packing.batch());
    c.y.setZero();
    for_sequences(x.packing, [&](Index j, Index row, Index length) {
      for (Index t = 0; t < length; ++t) c.y.col(row) += x.values.col(x.packing.offset(t) + j);
      if (length > 0) c.y.col(row) /= static_cast<T>(length);
    });
    return c.y;
  }
  template <class X> const X& backward(const X& x, const Output<X>& dy, Cache<X>& c) const {
    using T = typename Output<X>::Scalar;
    shape_like(c.dx, x, x.values.rows());
    for_sequences(x.packing, [&](Index j, Index row, Index length) {
      for (Index t = 0; t < length; ++t)
        c.dx.values.col(x.packing.offset(t) + j) = dy.col(row) / static_cast<T>(length);
    });
    return c.dx;
  }
};

struct MaxOverTimeFunction {
  template <class X> using Output = decltype(X::values);
  template <class X> struct Cache {
    Output<X> y;
    X dx;
    std::vector<Index> from;  // (D, B): the column that each maximum is of; -1 where there is no step
  };
  template <class X> const Output<X>& forward(const X& x, Cache<X>& c) const {
    const Index D = x.values.rows();
    c.y.resize(D, x.packing.batch());
    c.y.setZero();
    c.from.assign(static_cast<std::size_t>(D * x.packing.batch()), -1);
    for_sequences(x.packing, [&](Index j, Index row, Index length) {
      for (Index t = 0; t < length; ++t) {
        const Index n = x.packing.offset(t) + j;
        for (Index d = 0; d < D; ++d)
          if (Index& from = c.from[static_cast<std::size_t>(row * D + d)]; from < 0 || x.values(d, n) > c.y(d, row))
            from = n, c.y(d, row) = x.values(d, n);
      }
    });
    return c.y;
  }
  template <class X> const X& backward(const X& x, const Output<X>& dy, Cache<X>& c) const {
    const Index D = x.values.rows();
    shape_like(c.dx, x, D);
    c.dx.values.setZero();
    for_sequences(x.packing, [&](Index, Index row, Index) {
      for (Index d = 0; d < D; ++d)
        if (const Index n = c.from[static_cast<std::size_t>(row * D + d)]; n >= 0) c.dx.values(d, n) = dy(d, row);
    });
    return c.dx;
  }
};

struct LastStepFunction {
  template <class X> using Output = decltype(X::values);
  template <class X> struct Cache {
    Output<X> y;
    X dx;
  };
  template <class X> const Output<X>& forward(const X& x, Cache<X>& c) const {
    c.y.resize(x.values.rows(), x.packing.batch());
    for_sequences(x.packing, [&](Index j, Index row, Index length) {
      if (length > 0)
        c.y.col(row) = x.values.col(x.packing.offset(length - 1) + j);
      else
        c.y.col(row).setZero();
    });
    return c.y;
  }
  template <class X> const X& backward(const X& x, const Output<X>& dy, Cache<X>& c) const {
    shape_like(c.dx, x, x.values.rows());
    c.dx.values.setZero();
    for_sequences(x.packing, [&](Index j, Index row, Index length) {
      if (length > 0) c.dx.values.col(x.packing.offset(length - 1) + j) = dy.col(row);
    });
    return c.dx;
  }
};

struct EachStepFunction {
  template <class M, class X> using Output = X;
  template <class M, class X> struct Cache {
    X y;
    M dm;
  };
  template <class M, class X> const X& forward(const M& m, const X& like, Cache<M, X>& c) const {
    require(m.cols() == like.packing.batch(), "each_step: ", m.cols(), " columns for ", like.packing.batch(),
            " sequences");
    shape_like(c.y, like, m.rows());
    for_sequences(like.packing, [&](Index j, Index row, Index length) {
      for (Index t = 0; t < length; ++t) c.y.values.col(like.packing.offset(t) + j) = m.col(row);
    });
    return c.y;
  }
  template <class M, class X>
  std::tuple<const M&, const Nothing&> backward(const M& m, const X& like, const X& dy, Cache<M, X>& c) const {
    static constexpr Nothing nothing{};
    c.dm.resize(m.rows(), m.cols());
    c.dm.setZero();
    for_sequences(like.packing, [&](Index j, Index row, Index length) {
      for (Index t = 0; t < length; ++t) c.dm.col(row) += dy.values.col(like.packing.offset(t) + j);
    });
    return {c.dm, nothing};
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

/// The output at the end of every sequence, (H, B), as FinalState gives it, of what run(layer, x) gave.
template <class L, class Y> Node<Matrix<typename L::Scalar>> final_output(const Result<L, Y>& h) {
  return apply(detail::FinalOutputFunction<L>{h.layer}, h.state);
}
/// The values at each sequence's last step, (D, B); zeros for an empty one.
template <class T> Node<Matrix<T>> last_step(const Node<PackedSequence<T>>& x) {
  return apply(detail::LastStepFunction{}, x);
}
/// Means and maxima over each sequence's steps, (D, B); zeros for an empty one.
template <class T> Node<Matrix<T>> mean_over_time(const Node<PackedSequence<T>>& x) {
  return apply(detail::MeanOverTimeFunction{}, x);
}
template <class T> Node<Matrix<T>> max_over_time(const Node<PackedSequence<T>>& x) {
  return apply(detail::MaxOverTimeFunction{}, x);
}
/// One vector a sequence, (D, B), at each step of the sequences `like`: (D, N).
template <class T> Node<PackedSequence<T>> each_step(const Node<Matrix<T>>& x, const Node<PackedSequence<T>>& like) {
  return apply(detail::EachStepFunction{}, x, like);
}

}  // namespace unroll::inline UNROLL_ABI
