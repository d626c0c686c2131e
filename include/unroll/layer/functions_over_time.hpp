// Functions of a Composite's wiring that make one vector of a sequence's, and back: final_output(h), mean_over_time(h),
// ..
#pragma once

#include <unroll/core/for_sequences.hpp>
#include <unroll/layer/functions_of_values.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class L> struct FinalOutputFunction {
  static constexpr std::string_view name = "final_output";
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

// One column a sequence out of its steps: what follows is written over one sequence, j-th in sorted order.
struct MeanOverTimeFunction {
  static constexpr std::string_view name = "mean_over_time";
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
  static constexpr std::string_view name = "max_over_time";
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
  static constexpr std::string_view name = "last_step";
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
  static constexpr std::string_view name = "each_step";
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
