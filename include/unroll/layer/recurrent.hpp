// A recurrent layer: a cell, unrolled over time, and backpropagation through it.
#pragma once

#include <unroll/cell/cell_kind.hpp>
#include <unroll/layer/recurrent/loop.hpp>

namespace unroll::inline UNROLL_ABI {

/// Runs a cell over packed sequences. Forward, for all steps at once and then step by step:
///   A      = W X + b                        one product for all N steps
///   s_t    = cell(A_t, s_{t-1})             the loop does only U h and the equations
///   y_t    = h_t
/// Backward, the same loop from the last step to the first, the gradient of the state arriving from the step after
/// (backpropagation through time), then products over all N again:
///   d_t   += dy_t                           what this step's output is asked for
///   dA_t, d_{t-1} = cell'(d_t)              U^T da is in d_{t-1}
///   dW += dA X^T    db += sum dA    dX = W^T dA    dU += du h_{t-1}^T
/// The products over all N are made in pieces, A for a few steps just before they run and the gradients' when a block
/// of columns is complete: what they share is still in a cache. The numbers do not know. A sequence joins or leaves by
/// itself: states are kept in T + 1 blocks (see Packing), and in the backward loop the column of a sequence waits with
/// the gradient of its final state until its block comes, and stays behind holding the gradient of its initial state.
/// There is no mask, no padding, no first step and no last step. With `recompute_every` all this happens to one segment
/// of the steps after the other, in the same memory.
template <class C> class Recurrent {
 public:
  using Cell = typename detail::CellFor<C>::type;
  using Scalar = typename Cell::Scalar;
  using T = Scalar;
  static constexpr int S = Cell::S;
  using KindInFiles = typename detail::KindOfCell<C>::type;
  using State = RecurrentState<T, S>;
  using Options = RecurrentOptions;
  /// Of sequences x, and of those that the cell looks back at where it does (see CompositeCell).
  template <Sequences<T>... In> requires(sizeof...(In) == (detail::LooksBack<Cell> ? 2 : 1))
  using Output = PackedSequence<T>;

  Parameter<T> weight_ih;               ///< W (GX H, D)
  Parameter<T> bias_ih;                 ///< b (GX H), absent without bias
  Cell cell;                            ///< U, b_h and what else the equations have
  PerState<Parameter<T>, S> initial{};  ///< learned initial state (rows), absent unless asked for
  Options options;

  template <Sequences<T>... In> using Cache = RecurrentCache<Cell>;

  static constexpr std::string_view who = detail::RecurrentName<Cell>::value;  ///< for messages

  explicit Recurrent(const C& of, Options how = {})
      : cell(detail::make_cell(of, how.bias.value_or(detail::usual_bias<Cell>()))), options(how) {
    options.bias = how.bias.value_or(detail::usual_bias<Cell>());
    detail::require_size(who, cell.gate_rows(), "rows of gates", 0);
    weight_ih = Matrix<T>::Zero(cell.gate_rows(), cell.inputs());
    if (options.bias != Bias::none) bias_ih = Matrix<T>::Zero(cell.gate_rows(), 1);
    if (how.learned_initial_state)
      for (std::size_t s = 0; s < S; ++s) initial[s] = Matrix<T>::Zero(cell.state_rows(int(s)), 1);
    check_parameters();
  }

  template <Sequences<T> In>
  const PackedSequence<T>& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> carry = {}) const {
    check_parameters();
    check_batch(who, x);
    detail::require_features(who, x.values, weight_ih.cols());
    detail::begin_pass(c.weight_drop, context, options.weight_dropout, cell);
    if constexpr (requires { cell.begin(c.cell, context, x.packing); }) cell.begin(c.cell, context, x.packing);
    c.trace = context.recurrent == nullptr
                  ? nullptr
                  : &context.recurrent->open(who, &weight_ih, options.reverse, detail::gate_names_of<Cell>());
    run_recurrent<T, S>(parts(c), context, x, c, carry.in, carry.out);
    return c.y;
  }

  template <Sequences<T> In>
  const In& backward(const In& x, const PackedSequence<T>& dy, Cache<In>& c, Recurrent& gradient,
                     Carry<State> d = {}) const {
    return run_backward(x, &dy, c, gradient, d);
  }
  template <Sequences<T> In>
  const In& backward(const In& x, Nothing, Cache<In>& c, Recurrent& gradient, Carry<State> d = {}) const {
    return run_backward(x, nullptr, c, gradient, d);
  }
  /// The memory has a sequence for each of x, of a length of its own.
  template <Sequences<T> In> requires detail::LooksBack<Cell>
  const PackedSequence<T>& forward(const Context& context, const In& x, const In& memory, Cache<In, In>& c,
                                   Carry<State> carry = {}) const {
    check_batch(who, memory);
    check_batch(who, x);
    if constexpr (requires { c.cell.same_memory; }) c.cell.same_memory = context.same_memory;
    cell.enter(c.cell, memory, x.packing);
    const PackedSequence<T>& y = forward(context, x, c, carry);
    if constexpr (requires { cell.show_attention(c.cell, x.packing, *context.attention); })
      if (context.attention != nullptr) cell.show_attention(c.cell, x.packing, *context.attention);
    return y;
  }
  template <Sequences<T> In, class Dy> requires detail::LooksBack<Cell>
  std::tuple<const In&, const In&> backward(const In& x, const In& memory, const Dy& dy, Cache<In, In>& c,
                                            Recurrent& gradient, Carry<State> d = {}) const {
    cell.begin_backward(c.cell, memory);
    backward(x, dy, c, gradient, d);
    return {c.dx, cell.d_memory(c.cell)};
  }
  /// Throws where a public member has been given another shape or range.
  void check_parameters() const {
    detail::require_fraction(who, "dropout rate", options.input_dropout);
    detail::require_fraction(who, "recurrent dropout rate", options.recurrent_dropout);
    detail::require_fraction(who, "weight dropout rate", options.weight_dropout);
    if constexpr (requires { Cell::recurrent_gates; })
      require(Cell::recurrent_gates > 0 || options.recurrent_dropout == 0, who,
              ": recurrent dropout needs a cell with a recurrent product, and this one has none");
    if (options.weight_dropout > 0) detail::require_recurrent_weight(who, detail::ErasedModel<T>(cell));
    require(options.recompute_every >= 0, who, ": recompute_every = ", options.recompute_every,
            ", expected at least 0");
    require(options.recompute_every == 0 || HasColumns<Cell>, who,
            ": recompute_every needs a cell with visit_columns (see Cell)");
    detail::require_shape(who, "weight_ih", weight_ih, cell.gate_rows(), cell.inputs());
    detail::require_bias(who, "bias_ih", bias_ih, cell.gate_rows());
    for (std::size_t s = 0; options.learned_initial_state && s < S; ++s)
      detail::require_shape(who, "initial state", initial[s], cell.state_rows(int(s)), 1);
    if constexpr (requires { cell.check_parameters(); }) cell.check_parameters();
  }

  /// h of every sequence's last step, (H, B) in the user's order, and its backward. An empty sequence keeps its
  /// initial.
  void final_output(const State& state, Matrix<T>& y) const { y = state.fields[0]; }
  void final_output_backward(const State& state, const Matrix<T>& dy, State& d) const {
    d.fields[0] = dy;
    for (std::size_t s = 1; s < S; ++s) {
      d.fields[s].resize(state.fields[s].rows(), dy.cols());
      d.fields[s].setZero();
    }
  }

  void initialize(Rng rng, const Scheme& scheme) {
    const Fan fan{weight_ih.cols(), weight_ih.rows(), 1 / std::sqrt(static_cast<double>(cell.state_rows(0)))};
    check_parameters();
    require(detail::has_finite_bits(scheme.forget_bias), who, ": forget_bias ", scheme.forget_bias,
            ", expected a finite number");
    fill(weight_ih, scheme.input, fan, rng.child(0));
    fill(bias_ih, scheme.bias, fan, rng.child(1));
    if (const Columns rows = detail::forget_rows(cell); bias_ih.size() > 0 && rows.n > 0)
      bias_ih.middleRows(rows.first, rows.n).array() += static_cast<T>(scheme.forget_bias);
    cell.initialize(rng.child(2), scheme);
    for (auto& start : initial) start.setZero();
  }
  std::string describe() const {
    std::string text = concat_text("Recurrent<", Cell::name, "> ", cell.inputs(), " -> ", cell.state_rows(0));
    if (options.reverse) text += ", reverse";
    if (options.input_dropout > 0) text += concat_text(", dropout ", options.input_dropout);
    if (options.recurrent_dropout > 0) text += concat_text(", recurrent dropout ", options.recurrent_dropout);
    if (options.per_gate) text += " per gate";
    if (options.weight_dropout > 0) text += concat_text(", weight dropout ", options.weight_dropout);
    if constexpr (requires { cell.describe_options(); }) text += cell.describe_options();
    return text;
  }

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    const Path here = at.layer(0);
    f(here.leaf("weight_ih", Kind::weight), self.weight_ih...);
    f(here.leaf("bias_ih", Kind::bias), self.bias_ih...);
    Cell::visit(f, here, self.cell...);
    for (std::size_t s = 0; s < S; ++s) f(here.leaf(initial_names[s < 4 ? s : 3], Kind::state), self.initial[s]...);
  }

 private:
  const PackedSequence<T>& run_backward(const PackedSequence<T>& x, const PackedSequence<T>* dy,
                                        RecurrentCache<Cell>& c, Recurrent& gradient, Carry<State> d) const {
    require(c.ready, who, ": backward without a forward pass before it that kept its gradients (Context::gradients)");
    check_parameters();
    detail::require_forward(who, x, c.y);
    detail::require_features(who, x.values, weight_ih.cols());
    if (dy != nullptr) {
      detail::require_gradient(who, dy->values, cell.state_rows(0), x.packing.total());
      require(dy->packing == x.packing, who, ": dy has another packing than x");
    }
    check_gradient_shapes(who, *this, gradient);
    run_recurrent_backward<T, S>(parts(c), x, dy != nullptr ? &dy->values : nullptr, c, d.in, d.out,
                                 {gradient.weight_ih, gradient.bias_ih, gradient.initial,
                                  &detail::begin_backward(c.weight_drop, gradient.cell)});
    detail::end_backward(c.weight_drop, gradient.cell);
    return c.dx;
  }
  RecurrentParts<T, S> parts(RecurrentCache<Cell>& cache) const {
    return {who, weight_ih, bias_ih, initial, options, {cache.weight_drop.of(cell), cache.cell}};
  }
};

}  // namespace unroll::inline UNROLL_ABI
