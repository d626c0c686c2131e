// A recurrent layer: a cell, unrolled over time, and backpropagation through it.
#pragma once

#include <unroll/layer/input_projection.hpp>
#include <unroll/layer/recurrent_options.hpp>
#include <unroll/layer/segment.hpp>

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
  using State = RecurrentState<T, S>;
  using Options = RecurrentOptions;
  template <Sequences<T> In> using Output = PackedSequence<T>;

  Parameter<T> weight_ih;                 ///< W (GX H, D)
  Parameter<T> bias_ih;                   ///< b (GX H), absent without bias
  Cell cell;                              ///< U, b_h and what else the equations have
  std::array<Parameter<T>, S> initial{};  ///< learned initial state (rows), absent unless asked for
  Options options;

  template <Sequences<T> In> struct Cache {
    PackedSequence<T> y, dx;
    Segment segment;                      ///< whose steps are in the arrays of W columns: W = N for the whole batch
    Matrix<T> gates;                      ///< (GX H, W): A, then what the cell keeps, then dA
    std::array<Matrix<T>, S> states;      ///< (rows, B + W)
    std::array<Matrix<T>, S> border;      ///< (rows, B), sorted: the states between two segments
    std::array<Matrix<T>, S> saved;       ///< the states before each segment that is to be recomputed, side by side
    std::array<Matrix<T>, S> d;           ///< (rows, B): the gradient of the state on its way back
    std::vector<Step> steps;              ///< of the segment, in the order of the forward pass
    std::vector<Index> boundaries;        ///< the threads' ranges of sequences
    std::vector<StepScratch<T>> scratch;  ///< one per range
    std::vector<typename InputProjection<T>::Scratch> input_scratch;
    InputProjection<T> input;
    PackedMatrix<T> packed;
    RecurrentMask<T> mask;
    typename Cell::Cache cell;
    Index saved_columns = 0;
    bool keep = false, training = false, learned_start = false;
    bool want_y = true, want_dx = true;
    const PackedSequence<T>& output() const { return y; }
  };

  explicit Recurrent(const C& of, Options how = {}) : cell(detail::make_cell(of, how.bias)), options(how) {
    for (const double rate : {how.dropout, how.recurrent_dropout})
      require(rate >= 0 && rate < 1, "Recurrent<", Cell::name, ">: dropout rate ", rate, ", expected 0 <= rate < 1");
    require(how.recompute_every >= 0, "Recurrent<", Cell::name, ">: recompute_every = ", how.recompute_every,
            ", expected at least 0");
    require(how.recompute_every == 0 || has_columns, "Recurrent<", Cell::name,
            ">: recompute_every needs a cell with visit_columns (see Cell)");
    weight_ih = Matrix<T>::Zero(cell.gate_rows(), cell.inputs());
    if (how.bias != Bias::none) bias_ih = Matrix<T>::Zero(cell.gate_rows(), 1);
    if (how.learned_initial_state)
      for (std::size_t s = 0; s < S; ++s) initial[s] = Matrix<T>::Zero(cell.state_rows(int(s)), 1);
  }

  template <Sequences<T> In>
  const PackedSequence<T>& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> carry = {}) const {
    const Packing& p = x.packing;
    require(x.values.rows() == weight_ih.cols(), "Recurrent<", Cell::name, ">: input has ", x.values.rows(),
            " features, expected D = ", weight_ih.cols());
    require(x.values.cols() == p.total(), "Recurrent<", Cell::name, ">: input has ", x.values.cols(),
            " columns, its packing ", p.total());
    const FlushDenormals flush(context.training);
    c.keep = context.gradients;
    c.training = context.training;
    share(p, c);
    draw_masks(context, p, c);
    c.input.prepare(weight_ih, bias_ih, x, c.input_scratch[0]);
    prepare(p, c);
    enter(p, carry.in, c);
    c.y.packing = p;
    c.y.values.resize(cell.state_rows(0), c.want_y ? p.total() : 0);
    for (Index k = 0; k < segments(p); ++k) {
      const bool last = k + 1 == segments(p);
      c.segment = segment(p, k);
      if (c.keep && !last) push_border(p, c);
      run(x, c, c.keep && last, c.want_y);  // those that are not kept run again, just before their backward
    }
    if (carry.out != nullptr) leave(p, c, *carry.out);
    return c.y;
  }

  template <Sequences<T> In, class Dy>
  const In& backward(const In& x, const Dy& dy, Cache<In>& c, Recurrent& gradient, Carry<State> d = {}) const {
    const Packing& p = x.packing;
    require(c.keep && c.y.packing.total() == p.total(), "Recurrent<", Cell::name,
            ">: backward without a forward pass of the same batch that kept its gradients (Context::gradients)");
    if constexpr (!std::same_as<Dy, None>)
      require(dy.values.rows() == cell.state_rows(0) && dy.values.cols() == p.total(), "Recurrent<", Cell::name,
              ">: dy is ", dy.values.rows(), " x ", dy.values.cols(), ", expected ", cell.state_rows(0), " x ",
              p.total());
    final_gradient(p, d.in, c);
    if (c.want_dx) {
      shape_like(c.dx, x, weight_ih.cols());
      c.input.prepare_backward(weight_ih);
    }
    Columns open{0, p.total()};
    for (Index k = segments(p); k-- > 0;) {
      if (k + 1 < segments(p)) run_again(x, c, k, open);
      run_backward(x, dy, c, gradient, open);
    }
    const FlushDenormals flush;
    initial_gradient(p, c, d.out, gradient);
    c.keep = false;  // the gates hold their gradient now
    return c.dx;
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
    fill(weight_ih, scheme.input, fan, rng.child(0));
    fill(bias_ih, scheme.bias, fan, rng.child(1));
    if constexpr (requires { C::forget_gate; })
      if (bias_ih.size() > 0)
        bias_ih.middleRows(C::forget_gate * cell.units(), cell.units()).array() += static_cast<T>(scheme.forget_bias);
    cell.initialize(rng.child(2), scheme);
    for (auto& start : initial) start.setZero();
  }
  std::string describe() const {
    std::string text = concat("Recurrent<", Cell::name, "> ", cell.inputs(), " -> ", cell.state_rows(0));
    if (options.reverse) text += ", reverse";
    if (options.dropout > 0) text += concat(", dropout ", options.dropout);
    if (options.recurrent_dropout > 0) text += concat(", recurrent dropout ", options.recurrent_dropout);
    if (options.per_gate) text += " per gate";
    return text;
  }

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    const Path here = at.layer(0);
    f(here.leaf("weight_ih", Kind::weight), self.weight_ih...);
    f(here.leaf("bias_ih", Kind::bias), self.bias_ih...);
    Cell::visit(f, here, self.cell...);
    constexpr std::array<std::string_view, 4> names{"initial_h", "initial_c", "initial_n", "initial_m"};
    for (std::size_t s = 0; s < S; ++s) f(here.leaf(names[s < 4 ? s : 3], Kind::state), self.initial[s]...);
  }

 private:
  static constexpr bool has_columns =
      requires(typename Cell::Cache& cache) { Cell::visit_columns([](auto&) {}, cache); };

  Index segment_length(const Packing& p) const {
    return options.recompute_every > 0 ? options.recompute_every : std::max<Index>(p.steps(), 1);
  }
  Index segments(const Packing& p) const { return (p.steps() + segment_length(p) - 1) / segment_length(p); }
  /// The k-th of the forward pass.
  Segment segment(const Packing& p, Index k, Index waiting = 0) const {
    const Index place = options.reverse ? segments(p) - 1 - k : k;
    return Segment::from(p, place * segment_length(p), segment_length(p), options.reverse, waiting);
  }
  Pass<T, S> pass_of(auto& c, bool keep) const {
    return {c.gates, c.states, c.steps, c.mask, keep, options.reverse ? Blocks::ascending : Blocks::descending};
  }

  /// Sequences to threads.
  void share(const Packing& p, auto& c) const {
    const double units = static_cast<double>(cell.state_rows(0)), rows = static_cast<double>(cell.gate_rows());
    detail::balance_columns(p, rows * (units + static_cast<double>(cell.inputs())), c.boundaries);
    // A thread's range may be wider in a later batch that is no larger: room for all sequences, whatever the range.
    const auto most = static_cast<std::size_t>(threads());
    if (c.scratch.size() < most) c.scratch.resize(most);
    if (c.input_scratch.size() < most) c.input_scratch.resize(most);
    const Index longest = std::max({cell.gate_rows(), cell.inputs(), cell.state_rows(0)});
    for (auto& scratch : c.scratch) scratch.product.reserve(longest, p.batch(), longest);
    for (auto& scratch : c.input_scratch) {
      scratch.product.reserve(longest, 0, longest);
      scratch.masked.resize(cell.inputs(), p.total());
    }
  }
  /// Room for any segment; the first in time is the largest.
  void prepare(const Packing& p, auto& c) const {
    const bool whole = segments(p) <= 1;
    const Index columns =
        whole ? p.total() : std::min(p.total(), p.offset(segment_length(p)) + detail::depth_block - 1);
    c.gates.resize(cell.gate_rows(), c.keep ? columns : std::min(columns, std::max(p.batch(), chunk_columns(c))));
    cell.prepare(c.cell, columns, c.keep);
    Index saved = 0;
    for (Index k = 0; c.keep && k + 1 < segments(p); ++k) saved += p.batch_size(segment(p, k).begin);
    for (std::size_t s = 0; s < S; ++s) {
      c.states[s].resize(cell.state_rows(int(s)), p.batch() + columns);
      c.saved[s].resize(cell.state_rows(int(s)), saved);
    }
    c.saved_columns = 0;
  }

  /// The states between two segments, those of the sequences that run in the next one.
  void push_border(const Packing& p, auto& c) const {
    const Index n = p.batch_size(c.segment.begin);
    for (std::size_t s = 0; s < S; ++s) c.saved[s].middleCols(c.saved_columns, n) = c.border[s].leftCols(n);
    c.saved_columns += n;
  }
  void pop_border(const Packing& p, auto& c) const {
    const Index n = p.batch_size(c.segment.begin);
    c.saved_columns -= n;
    for (std::size_t s = 0; s < S; ++s) c.border[s].leftCols(n) = c.saved[s].middleCols(c.saved_columns, n);
  }

  /// Forward through c.segment, from the states at its border to those at the next.
  template <class In> void run(const In& x, auto& c, bool keep, bool want_y) const {
    const Packing& p = x.packing;
    const Segment& segment = c.segment;
    segment.plan(p, c.steps);
    for (std::size_t s = 0; s < S; ++s)
      for (Index j = 0; j < p.batch_size(segment.begin); ++j)
        c.states[s].col(segment.entrance(p, j)) = c.border[s].col(j);
    Pass<T, S> pass = pass_of(c, keep);
    for_each_range(c, [&](const Range& range) {
      const auto project = [&](const Columns& columns, Index gates) {
        c.input.forward(x, {columns.first + segment.base, columns.n}, bias_ih, c.gates.middleCols(gates, columns.n),
                        c.input_scratch[range.index]);
      };
      const auto run_step = [&](const Step& step) {
        cell.step(pass, c.cell, step, c.scratch[range.index]);
        if (want_y) c.y.values.middleCols(step.at + segment.base, step.n) = c.states[0].middleCols(step.out, step.n);
      };
      in_chunks(c, range, keep, project, run_step);
    });
    for (std::size_t s = 0; s < S; ++s)
      for (Index j = 0; j < p.batch_size(segment.begin); ++j) c.border[s].col(j) = c.states[s].col(segment.exit(p, j));
  }
  /// The k-th segment's forward for its backward, with the floating-point mode that it had. Columns that wait for the
  /// rest of their block move to where its window has them.
  template <class In> void run_again(const In& x, auto& c, Index k, const Columns& open) const {
    const FlushDenormals flush(c.training);
    const Packing& p = x.packing;
    const Index base = c.segment.base;
    const Columns done = c.segment.columns(p);
    const Index first = options.reverse ? open.first : done.first;
    const Index end = options.reverse ? done.first + done.n : open.first + open.n;
    c.segment = segment(p, k, end - first);
    const auto move = [&](auto& m, Index before) {
      move_columns(m, before + first - base, before + first - c.segment.base, end - first);
    };
    move(c.gates, 0);
    move(c.states[0], p.batch());
    if constexpr (has_columns) Cell::visit_columns([&](auto& m) { move(m, 0); }, c.cell);
    pop_border(p, c);
    run(x, c, true, false);
  }

  /// Backward through c.segment. `open` holds the columns whose products are not made yet.
  template <class In, class Dy>
  void run_backward(const In& x, const Dy& dy, auto& c, Recurrent& gradient, Columns& open) const {
    const FlushDenormals flush;
    const Packing& p = x.packing;
    const Index base = c.segment.base;
    Pass<T, S> pass = pass_of(c, true);
    const auto da = [&](const Columns& columns) { return c.gates.middleCols(columns.first - base, columns.n); };
    const auto input_gradient = [&](const Columns& columns, const Range& range) {
      if (c.want_dx) c.input.backward(p, columns, da(columns), c.dx.values, c.input_scratch[range.index]);
    };
    const auto accumulate = [&](const Columns& columns, const PackedMatrix<T>* packed = nullptr) {
      pass.packed = packed;
      if (weight_ih.trainable)
        c.input.accumulate(x, columns, da(columns), packed, gradient.weight_ih, pass.order, c.input_scratch[0]);
      if (bias_ih.size() > 0 && bias_ih.trainable) add_row_sums(da(columns), gradient.bias_ih.data(), pass.order);
      cell.accumulate(pass, c.cell, gradient.cell, Columns{columns.first - base, columns.n});
    };
    for_each_range(c, [&](const Range& range) {
      for (auto k = static_cast<std::size_t>(c.segment.steps()); k-- > 0;) {
        const Step step = within(range, c.steps[k]);
        if (step.n <= 0) continue;
        const Columns columns{step.at + base, step.n};
        if constexpr (!std::same_as<Dy, None>)
          c.d[0].middleCols(step.column, step.n) += dy.values.middleCols(columns.first, step.n);
        cell.step_backward(pass, c.cell, step, c.d, c.scratch[range.index]);
        if (!range.whole) input_gradient(columns, range);
        if (range.alone)
          for_completed_blocks(columns, open, [&](const Columns& block) {
            input_gradient(block, range);
            c.packed.pack(view(da(block)), Transpose::no);  // once for dW and dU
            accumulate(block, &c.packed);
          });
      }
      if (range.whole && !range.alone) input_gradient(c.segment.columns(p), range);
    });
    Columns complete{open.first, 0};
    for_completed_blocks(c.segment.columns(p), open, [&](const Columns& block) {
      complete = {std::min(complete.n > 0 ? complete.first : block.first, block.first), complete.n + block.n};
    });
    if (complete.n > 0) accumulate(complete);
  }

  /// One thread's sequences.
  struct Range {
    std::size_t index;
    Index first, last;
    bool whole;  ///< all of them
    bool alone;  ///< and no other thread is there to help with products
  };
  template <class F> void for_each_range(auto& c, const F& f) const {
    const auto ranges = static_cast<int>(c.boundaries.size()) - 1;
    const bool alone = ranges == 1 && (threads() == 1 || inside_parallel());
    parallel_for(ranges, [&](int k) {
      const auto range = static_cast<std::size_t>(k);
      f(Range{range, c.boundaries[range], c.boundaries[range + 1], ranges == 1, alone});
    });
  }
  static Step within(const Range& r, const Step& s) {
    return {s.at + r.first, std::min(s.n, r.last) - r.first, s.in + r.first, s.out + r.first, r.first, s.at + r.first};
  }

  /// Columns of gates that are made at once: they stay in a processor's second cache until the steps have read them. At
  /// least 256 where W is large, which is read once for all of them.
  Index chunk_columns(const auto& c) const {
    const bool others_help = c.boundaries.size() == 2 && threads() > 1 && !inside_parallel();
    if (others_help) return std::numeric_limits<Index>::max();
    constexpr Index numbers = (1 << 18) / static_cast<Index>(sizeof(T));
    return std::max<Index>(numbers / cell.gate_rows(), weight_ih.size() > numbers ? 256 : 1);
  }
  /// In the order of the forward pass: project(columns, gates) for some steps, then run(step) for each of them. The
  /// columns of a range that is not whole lie together within one step only.
  template <class Project, class F>
  void in_chunks(const auto& c, const Range& range, bool keep, const Project& project, const F& run) const {
    const Index most = range.whole ? chunk_columns(c) : 1;
    const auto count = static_cast<std::size_t>(c.segment.steps());
    for (std::size_t k = 0, end = 0; k < count; k = end) {
      Index n = within(range, c.steps[end++]).n;
      if (n <= 0) continue;
      while (end < count && n < most && c.steps[end].n <= most - n) n += c.steps[end++].n;
      const Index first = std::min(c.steps[k].at, c.steps[end - 1].at) + range.first;
      const Index gates = keep ? first : range.first;
      project(Columns{first, n}, gates);
      for (std::size_t i = k; i < end; ++i) {
        Step step = within(range, c.steps[i]);
        step.gates = gates + step.at - first;
        run(step);
      }
    }
  }
  /// Backward: blocks of a product's sum go to f as soon as the steps have completed them, up to and with the columns
  /// `done`. `open` holds those that are left.
  template <class F> void for_completed_blocks(const Columns& done, Columns& open, const F& f) const {
    while (open.n > 0) {
      const Index end = open.first + open.n, rest = open.n % detail::depth_block;
      Columns block{open.first, std::min(open.n, detail::depth_block)};
      if (!options.reverse)
        block = {end - (rest > 0 ? rest : detail::depth_block), rest > 0 ? rest : detail::depth_block};
      const bool complete = options.reverse ? done.first + done.n >= block.first + block.n : done.first <= block.first;
      if (!complete) return;
      f(block);
      open.n -= block.n;
      if (options.reverse) open.first += block.n;
    }
  }

  void require_state(const char* what, const State& state, std::size_t s, const Packing& p) const {
    const auto& field = state.fields[s];
    const Index rows = cell.state_rows(int(s));
    require(field.rows() == rows && field.cols() == p.batch(), "Recurrent<", Cell::name, ">: ", what,
            State::names[s < 4 ? s : 3], " is ", field.rows(), " x ", field.cols(), ", expected ", rows, " x ",
            p.batch());
  }
  void enter(const Packing& p, const State* from, auto& c) const {
    c.learned_start = from == nullptr && options.learned_initial_state;
    for (std::size_t s = 0; s < S; ++s) {
      if (from != nullptr) require_state("initial state ", *from, s, p);
      c.border[s].resize(cell.state_rows(int(s)), p.batch());
      for (Index j = 0; j < p.batch(); ++j) {
        auto start = c.border[s].col(j);
        if (from != nullptr)
          start = from->fields[s].col(p.row(j));
        else if (c.learned_start)
          start = initial[s].col(0);
        else
          start.setZero();
      }
    }
  }
  void leave(const Packing& p, const auto& c, State& to) const {
    for (std::size_t s = 0; s < S; ++s) {
      to.fields[s].resize(cell.state_rows(int(s)), p.batch());
      for (Index j = 0; j < p.batch(); ++j) to.fields[s].col(p.row(j)) = c.border[s].col(j);
    }
  }
  void final_gradient(const Packing& p, const State* from, auto& c) const {
    for (std::size_t s = 0; s < S; ++s) {
      if (from != nullptr) require_state("gradient of the final state ", *from, s, p);
      c.d[s].resize(cell.state_rows(int(s)), p.batch());
      if (from == nullptr)
        c.d[s].setZero();
      else
        for (Index j = 0; j < p.batch(); ++j) c.d[s].col(j) = from->fields[s].col(p.row(j));
    }
  }
  void initial_gradient(const Packing& p, const auto& c, State* to, Recurrent& gradient) const {
    for (std::size_t s = 0; s < S; ++s) {
      if (to != nullptr) {
        to->fields[s].resize(c.d[s].rows(), p.batch());
        for (Index j = 0; j < p.batch(); ++j) to->fields[s].col(p.row(j)) = c.d[s].col(j);
      }
      if (c.learned_start && initial[s].trainable) add_row_sums(c.d[s], gradient.initial[s].data());
    }
  }

  void draw_masks(const Context& context, const Packing& p, auto& c) const {
    const auto draw = [&](double rate, std::uint64_t stream, Index rows, RecurrentMask<T>& to) {
      to.count = context.training && rate > 0 ? (options.per_gate ? Cell::gates : 1) : 0;
      if (to.masks.size() < std::size_t(to.count)) to.masks.resize(std::size_t(to.count));
      for (int g = 0; g < to.count; ++g) {
        const DropoutMask mask(context, stream + std::uint64_t(g), rate);
        to.masks[std::size_t(g)].resize(rows, p.batch());
        for (Index j = 0; j < p.batch(); ++j) mask.draw(p.row(j), 0, rows, to.masks[std::size_t(g)].col(j).data());
      }
    };
    draw(options.dropout, 0, weight_ih.cols(), c.input.mask);
    draw(options.recurrent_dropout, 100, cell.state_rows(0), c.mask);
    for (auto& scratch : c.scratch) scratch.values.resize(cell.state_rows(0), p.batch() * std::max(c.mask.count, 1));
  }
};

}  // namespace unroll::inline UNROLL_ABI
