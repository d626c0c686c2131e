// Windows whose steps are put on top of each other: all of them, or patches of them.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// f(column, row) for each step of a batch: rows of the window that `steps` of its steps make begin at `row` of
/// `column`, which is the user's for whole windows and packed for patches.
template <class F> void for_stacked_steps(const Packing& from, const Packing* to, Index D, Index steps, const F& f) {
  for (Index t = 0; t < from.steps(); ++t)
    for (Index j = 0; j < from.batch_size(t); ++j)
      f(from.offset(t) + j, to == nullptr ? from.row(j) : to->offset(t / steps) + j, t % steps * D);
}
template <class T> void copy_rows(const T* from, T* to, Index rows) {
  std::memcpy(to, from, static_cast<std::size_t>(rows) * sizeof(T));
}
}  // namespace detail

/// (D, T) windows of one length -> (D T, B), row t D + d, in the user's order: what a Dense takes that looks at a whole
/// window.
template <class T = float> class Flatten {
 public:
  using Scalar = T;
  using State = Nothing;
  template <Sequences<T> In> using Output = Matrix<T>;

  template <Sequences<T> In> struct Cache {
    Matrix<T> y;
    In dx;
    bool want_dx = true;
    const Matrix<T>& output() const { return y; }
  };

  /// Throws where the windows have different lengths.
  template <Sequences<T> In>
  const Matrix<T>& forward(const Context&, const In& x, Cache<In>& c, Carry<State> = {}) const {
    check_columns("Flatten", x);
    const Index D = x.values.rows(), steps = x.packing.steps(), B = x.packing.batch();
    require(steps * B == x.packing.total(), "Flatten: the windows of a batch have 1 to ", steps,
            " steps or none, expected as many in each");
    c.y.resize(D * steps, B);
    detail::for_stacked_steps(x.packing, nullptr, D, steps, [&](Index n, Index column, Index row) {
      detail::copy_rows(x.values.data() + n * D, c.y.data() + column * c.y.rows() + row, D);
    });
    return c.y;
  }
  template <Sequences<T> In>
  const In& backward(const In& x, const Matrix<T>& dy, Cache<In>& c, Flatten&, Carry<State> = {}) const {
    const Index D = x.values.rows(), steps = x.packing.steps();
    require(c.y.cols() == x.packing.batch() && c.y.rows() == D * steps,
            "Flatten: backward without a forward pass of the same batch before it");
    detail::require_gradient("Flatten", dy, c.y);
    if (!c.want_dx) return c.dx;
    shape_like(c.dx, x, D);
    detail::for_stacked_steps(x.packing, nullptr, D, steps, [&](Index n, Index column, Index row) {
      detail::copy_rows(dy.data() + column * dy.rows() + row, c.dx.values.data() + n * D, D);
    });
    return c.dx;
  }

  void initialize(Rng, const Scheme&) {}
  std::string describe() const { return "Flatten"; }
  template <class F, class... Self> static void visit(F&&, const Path&, Self&...) {}
};

/// (D, T) sequences -> (D S, T / S): each step is a patch of S steps, row s D + d. A recurrent layer behind it makes
/// one step where it would have made S: SegRNN (Lin et al. 2023).
template <class T = float> class Patches {
 public:
  using Scalar = T;
  using State = Nothing;
  template <Sequences<T> In> using Output = In;

  Index steps;

  template <Sequences<T> In> struct Cache : OutputCache<In> {
    std::vector<Index> lengths;
  };

  explicit Patches(Index of) : steps(of) { detail::require_size("Patches", of, "steps", 1); }

  /// Throws where a sequence's length is no multiple of S.
  template <Sequences<T> In> const In& forward(const Context&, const In& x, Cache<In>& c, Carry<State> = {}) const {
    check_columns("Patches", x);
    const Packing& p = x.packing;
    const Index D = x.values.rows();
    c.lengths.resize(static_cast<std::size_t>(p.batch()));
    for (Index j = 0; j < p.batch(); ++j) {
      require(p.length(j) % steps == 0, "Patches: sequence ", p.row(j), " has ", p.length(j),
              " steps, expected a multiple of ", steps);
      c.lengths[static_cast<std::size_t>(p.row(j))] = p.length(j) / steps;
    }
    c.y.packing.assign_lengths(c.lengths, p.steps() / steps);
    c.y.values.resize(D * steps, c.y.packing.total());
    detail::for_stacked_steps(p, &c.y.packing, D, steps, [&](Index n, Index column, Index row) {
      detail::copy_rows(x.values.data() + n * D, c.y.values.data() + column * D * steps + row, D);
    });
    return c.y;
  }
  template <Sequences<T> In>
  const In& backward(const In& x, const In& dy, Cache<In>& c, Patches&, Carry<State> = {}) const {
    const Index D = x.values.rows();
    require(c.y.values.rows() == D * steps && c.y.values.size() == x.values.size(),
            "Patches: backward without a forward pass of the same batch before it");
    detail::require_gradient("Patches", dy, c.y);
    if (!c.want_dx) return c.dx;
    shape_like(c.dx, x, D);
    detail::for_stacked_steps(x.packing, &dy.packing, D, steps, [&](Index n, Index column, Index row) {
      detail::copy_rows(dy.values.data() + column * D * steps + row, c.dx.values.data() + n * D, D);
    });
    return c.dx;
  }

  void initialize(Rng, const Scheme&) {}
  std::string describe() const { return concat_text("Patches of ", steps); }
  template <class F, class... Self> static void visit(F&&, const Path&, Self&...) {}
};
Patches(Index) -> Patches<>;

}  // namespace unroll::inline UNROLL_ABI
