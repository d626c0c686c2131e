// Two recurrent layers over the same sequences, one from each end.
#pragma once

#include <unroll/kind/layer_kind.hpp>
#include <unroll/layer/merge.hpp>
#include <unroll/layer/recurrent.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Rows of two directions' outputs merged.
template <class T> Index merged_rows(Merge how, const Matrix<T>& left, const Matrix<T>& right) {
  require(left.cols() == right.cols() && (how == Merge::concat || left.rows() == right.rows()),
          "Bidirectional: the directions give ", left.rows(), " x ", left.cols(), " and ", right.rows(), " x ",
          right.cols(), ", which do not merge");
  return how == Merge::concat ? left.rows() + right.rows() : left.rows();
}
template <class T> void merge(Merge how, const Matrix<T>& left, const Matrix<T>& right, Matrix<T>& to) {
  to.resize(merged_rows(how, left, right), left.cols());
  parallel_ranges(to.cols(), 256, [&](Index first, Index last) {
    const auto a = left.middleCols(first, last - first), b = right.middleCols(first, last - first);
    auto y = to.middleCols(first, last - first);
    switch (how) {
      case Merge::concat:
        y.topRows(a.rows()) = a, y.bottomRows(b.rows()) = b;
        break;
      case Merge::sum:
        y = a + b;
        break;
      case Merge::average:
        y = (a + b) / T(2);
        break;
      case Merge::product:
        y = a.cwiseProduct(b);
        break;
    }
  });
}
template <class T>
void merge_backward(Merge how, const Matrix<T>& left, const Matrix<T>& right, const Matrix<T>& d, Matrix<T>& d_left,
                    Matrix<T>& d_right) {
  require_gradient("Bidirectional", d, merged_rows(how, left, right), left.cols());
  d_left.resize(left.rows(), d.cols());
  d_right.resize(right.rows(), d.cols());
  parallel_ranges(d.cols(), 256, [&](Index first, Index last) {
    const Index n = last - first;
    const auto dy = d.middleCols(first, n);
    auto da = d_left.middleCols(first, n), db = d_right.middleCols(first, n);
    switch (how) {
      case Merge::concat:
        da = dy.topRows(da.rows()), db = dy.bottomRows(db.rows());
        break;
      case Merge::sum:
        da = dy, db = dy;
        break;
      case Merge::average:
        da = dy / T(2), db = da;
        break;
      case Merge::product:
        da = dy.cwiseProduct(right.middleCols(first, n)), db = dy.cwiseProduct(left.middleCols(first, n));
        break;
    }
  });
}
}  // namespace detail

template <class State> struct BidirectionalState {
  State forward, reverse;
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    State::visit(f, at / "forward", self.forward...);
    State::visit(f, at / "reverse", self.reverse...);
  }
};

/// y_t joins what a forward layer knows after x_1 .. x_t and what a reverse layer knows after x_T .. x_t. Schuster and
/// Two layers of one recurrent kind in files, `ahead` and `back`, without options of their own; `merge`, `final_state`.
struct BidirectionalKind {
  static constexpr std::string_view name = "bidirectional";
  static constexpr const char* no_stream =
      "a bidirectional layer cannot stream: it reads its sequence from the end, too";
  UNROLL_API static void describe(Description& layer);
  /// Two LSTMs, side by side.
  UNROLL_API static LayerData sized(Index inputs, Index outputs);
  UNROLL_API static Matrix<double> run(const LayerData& layer, const Matrix<double>& x);
  template <class L> static void take_options(const L& trained, LayerData& to) {
    for (int k = 0; k < 2; ++k) to.add_part(layer_kind<typename L::Layer::KindInFiles>);
    to.set_word("merge", merge_names[static_cast<std::size_t>(trained.merge)]);
  }
};

/// Paliwal 1997; nn.LSTM(bidirectional=True), keras Bidirectional. Each direction runs within each sequence's own
/// length.
template <class C> class Bidirectional {
 public:
  using Layer = Recurrent<C>;
  using Scalar = typename Layer::Scalar;
  using T = Scalar;
  using KindInFiles = std::conditional_t<detail::has_kind<Layer>, BidirectionalKind, void>;
  using State = BidirectionalState<typename Layer::State>;
  template <Sequences<T> In> using Output = PackedSequence<T>;

  Layer forward_layer, reverse_layer;
  Merge merge;

  template <Sequences<T> In> struct Cache {
    typename Layer::template Cache<In> forward_layer, reverse_layer;
    PackedSequence<T> y, dx, d_forward, d_reverse;
    bool want_y = true, want_dx = true;
    const PackedSequence<T>& output() const { return y; }
  };

  explicit Bidirectional(const C& cell, RecurrentOptions options = {}, Merge how = Merge::concat)
      : forward_layer(cell, directed(options, false)), reverse_layer(cell, directed(options, true)), merge(how) {}

  template <Sequences<T> In>
  const PackedSequence<T>& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> carry = {}) const {
    check_columns("Bidirectional", x);
    c.forward_layer.want_y = c.reverse_layer.want_y = c.want_y;
    both(
        x.packing, [&] { forward_layer.forward(context.child(0), x, c.forward_layer, part(carry, &State::forward)); },
        [&] { reverse_layer.forward(context.child(1), x, c.reverse_layer, part(carry, &State::reverse)); });
    c.y.packing = x.packing;
    detail::merge(merge, c.forward_layer.y.values, c.reverse_layer.y.values, c.y.values);
    return c.y;
  }
  template <Sequences<T> In, class Dy>
  const In& backward(const In& x, const Dy& dy, Cache<In>& c, Bidirectional& gradient, Carry<State> d = {}) const {
    detail::require_forward("Bidirectional", x, c.y);
    check_gradient_shapes("Bidirectional", *this, gradient);
    c.forward_layer.want_dx = c.reverse_layer.want_dx = c.want_dx;
    const auto run = [&](const auto& da, const auto& db) {
      both(
          x.packing,
          [&] { forward_layer.backward(x, da, c.forward_layer, gradient.forward_layer, part(d, &State::forward)); },
          [&] { reverse_layer.backward(x, db, c.reverse_layer, gradient.reverse_layer, part(d, &State::reverse)); });
    };
    if constexpr (std::same_as<Dy, Nothing>) {
      run(dy, dy);
    } else {
      detail::require_gradient("Bidirectional", dy, c.y);
      c.d_forward.packing = c.d_reverse.packing = dy.packing;
      detail::merge_backward(merge, c.forward_layer.y.values, c.reverse_layer.y.values, dy.values, c.d_forward.values,
                             c.d_reverse.values);
      run(c.d_forward, c.d_reverse);
    }
    if (!c.want_dx) return c.dx;
    shape_like(c.dx, x, x.values.rows());
    parallel_ranges(c.dx.values.cols(), 256, [&](Index first, Index last) {
      const Index n = last - first;
      c.dx.values.middleCols(first, n) =
          c.forward_layer.dx.values.middleCols(first, n) + c.reverse_layer.dx.values.middleCols(first, n);
    });
    return c.dx;
  }

  /// The forward layer's state after the last step, and the reverse layer's after the first, merged.
  void final_output(const State& state, Matrix<T>& y) const {
    detail::merge(merge, state.forward.fields[0], state.reverse.fields[0], y);
  }
  void final_output_backward(const State& state, const Matrix<T>& dy, State& d) const {
    for (std::size_t s = 1; s < std::size_t(Layer::S); ++s)
      for (auto* side : {&d.forward, &d.reverse}) {
        side->fields[s].resize(state.forward.fields[s].rows(), dy.cols());
        side->fields[s].setZero();
      }
    detail::merge_backward(merge, state.forward.fields[0], state.reverse.fields[0], dy, d.forward.fields[0],
                           d.reverse.fields[0]);
  }

  void initialize(Rng rng, const Scheme& scheme) {
    forward_layer.initialize(rng.child(0), scheme);
    reverse_layer.initialize(rng.child(1), scheme);
  }
  std::string describe() const { return concat_text("Bidirectional ", forward_layer.describe()); }

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    const Path here = at.layer(0);
    Layer::visit(f, here, self.forward_layer...);
    Layer::visit(f, here.with_suffix("_reverse"), self.reverse_layer...);
  }

 private:
  /// Two threads take a direction each, which needs no more than one fork; more of them share each direction.
  template <class A, class B> void both(const Packing& packing, const A& a, const B& b) const {
    const Index work = packing.total() * forward_layer.weight_ih.size();
    if (threads() != 2 || inside_parallel() || work < 4'000'000) {
      a();
      b();
    } else {
      parallel_for(2, [&](int k) { k == 0 ? a() : b(); });
    }
  }
  static RecurrentOptions directed(RecurrentOptions options, bool reverse) {
    options.reverse = reverse;
    return options;
  }
  static Carry<typename Layer::State> part(Carry<State> c, typename Layer::State State::* side) {
    return {c.in != nullptr ? &(c.in->*side) : nullptr, c.out != nullptr ? &(c.out->*side) : nullptr};
  }
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/layer/bidirectional.ipp>
#endif
