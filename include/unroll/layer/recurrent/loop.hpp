// A recurrent layer's way through the steps of a batch and back. The equations of a step are in cell/.
#pragma once

#include <unroll/core/denormals.hpp>
#include <unroll/layer/recurrent/chunks.hpp>
#include <unroll/layer/recurrent/options.hpp>

namespace unroll::inline UNROLL_ABI {

/// A recurrent layer without the type of its cell, and the gradients of its parameters.
template <class T, int S> struct RecurrentParts {
  std::string_view who;
  const Parameter<T>&weight_ih, &bias_ih;
  const PerState<Parameter<T>, S>& initial;
  const RecurrentOptions& options;
  AnyCell<T, S> cell;
};
template <class T, int S> struct RecurrentGradient {
  Matrix<T>&weight_ih, &bias_ih;
  PerState<Parameter<T>, S>& initial;
  void* cell;
};

/// One layer, one batch and its cache; see Recurrent.
template <class T, int S> class RecurrentLoop {
 public:
  using Layer = RecurrentParts<T, S>;
  using Gradient = RecurrentGradient<T, S>;
  using State = RecurrentState<T, S>;
  using Cache = RecurrentBuffers<T, S>;

  RecurrentLoop(const Layer& layer, const PackedSequence<T>& x, Cache& cache)
      : layer_(layer),
        cell_(layer.cell),
        x_(x),
        p_(x.packing),
        c_(cache),
        segment_length_((std::max<Index>)(layer.options.recompute_every > 0
                                              ? (std::min)(layer.options.recompute_every, p_.steps())
                                              : p_.steps(),
                                          1)),
        segments_((p_.steps() + segment_length_ - 1) / segment_length_) {}

  void forward(const Context& context, const State* from, State* to) {
    const FlushDenormals flush(context.training);
    if (from != nullptr) require_state("initial state ", *from);
    c_.ready = false;
    c_.segment_length = segment_length_;
    c_.reverse = layer_.options.reverse;
    c_.keep = context.gradients;
    c_.training = context.training;
    share();
    draw_masks(context);
    c_.input.prepare(context, layer_.weight_ih, layer_.bias_ih, x_, c_.input_scratch[0]);
    prepare();
    enter(from);
    c_.y.packing = p_;
    c_.y.values.resize(cell_.state_rows[0], c_.want_y ? p_.total() : 0);
    for (Index k = 0; k < segments_; ++k) {
      const bool last = k + 1 == segments_;
      c_.segment = segment(k);
      if (c_.keep && !last) push_border();
      run(c_.keep && last, c_.want_y);  // those that are not kept run again, just before their backward
    }
    if (to != nullptr)
      for (std::size_t s = 0; s < S; ++s) unsort_sequences(p_, c_.border[s], to->fields[s]);
    c_.ready = c_.keep;
  }

  /// dy has the gradient of every step's output, or is null.
  void backward(const Matrix<T>* dy, const State* d_final, State* d_initial, const Gradient& gradient) {
    if (d_final != nullptr) require_state("gradient of the final state ", *d_final);
    require(c_.segment_length == segment_length_ && c_.reverse == layer_.options.reverse, layer_.who,
            ": recompute_every or reverse has changed since the forward pass");
    c_.ready = false;  // the gates will hold their gradient
    final_gradient(d_final);
    if (c_.want_dx) {
      shape_like(c_.dx, x_, layer_.weight_ih.cols());
      c_.input.prepare_backward(layer_.weight_ih);
    }
    OpenColumns open{0, p_.total(), layer_.options.reverse};
    cell_.open_sums(p_.batch());
    for (Index k = segments_; k-- > 0;) {
      if (k + 1 < segments_) run_again(k, open);
      run_backward(dy, gradient, open);
    }
    const FlushDenormals flush;
    cell_.close_sums(gradient.cell);
    for (std::size_t s = 0; s < S; ++s) {
      if (d_initial != nullptr) unsort_sequences(p_, c_.d[s], d_initial->fields[s]);
      if (c_.learned_start && layer_.initial[s].trainable) add_row_sums(c_.d[s], gradient.initial[s].data());
    }
  }

 private:
  const Layer& layer_;
  const AnyCell<T, S>& cell_;
  const PackedSequence<T>& x_;
  const Packing& p_;
  Cache& c_;
  const Index segment_length_, segments_;

  /// The k-th of the forward pass.
  Segment segment(Index k, Index waiting = 0) const {
    const bool reverse = layer_.options.reverse;
    const Index place = reverse ? segments_ - 1 - k : k;
    return Segment::from(p_, place * segment_length_, segment_length_, reverse, waiting);
  }
  Pass<T, S> pass(bool keep) const {
    const Blocks order = layer_.options.reverse ? Blocks::ascending : Blocks::descending;
    return {c_.gates, c_.states, c_.steps, c_.mask, keep, order};
  }
  /// Columns of gates that are made at once: they stay in a processor's second cache until the steps have read them. At
  /// least 256 where W is large, which is read once for all of them.
  Index chunk_columns() const {
    if (c_.ranges.others_help()) return (std::numeric_limits<Index>::max)();
    constexpr Index numbers = (1 << 18) / static_cast<Index>(sizeof(T));
    return (std::max<Index>)(numbers / cell_.gate_rows, layer_.weight_ih.size() > numbers ? 256 : 1);
  }

  /// Sequences to threads.
  void share() {
    const auto units = static_cast<double>(cell_.state_rows[0]), rows = static_cast<double>(cell_.gate_rows);
    c_.ranges.balance(p_, rows * (units + static_cast<double>(cell_.inputs)));
    // A thread's range may be wider in a later batch that is no larger: room for all sequences, whatever the range.
    const auto most = static_cast<std::size_t>(threads());
    if (c_.scratch.size() < most) c_.scratch.resize(most);
    if (c_.input_scratch.size() < most) c_.input_scratch.resize(most);
    const Index longest = (std::max)({cell_.gate_rows, cell_.inputs, cell_.state_rows[0]});
    for (auto& scratch : c_.scratch) scratch.product.reserve(longest, p_.batch(), longest);
    for (auto& scratch : c_.input_scratch) {
      scratch.product.reserve(longest, 0, longest);
      scratch.masked.resize(cell_.inputs, p_.total());
    }
  }
  void draw_masks(const Context& context) {
    const RecurrentOptions& options = layer_.options;
    const auto masks = [&](int gates) { return options.per_gate ? gates : 1; };
    c_.input.mask.draw(context, 0, options.input_dropout, masks(cell_.gates), cell_.inputs, p_);
    c_.mask.draw(context, 100, options.recurrent_dropout, masks(cell_.recurrent_gates), cell_.state_rows[0], p_);
    for (auto& scratch : c_.scratch)
      scratch.values.resize((std::max)(cell_.state_rows[0] * (std::max)(c_.mask.count, 1), cell_.scratch_rows),
                            p_.batch());
  }
  /// Room for any segment; the first in time is the largest.
  void prepare() {
    const bool whole = segments_ <= 1;
    const Index columns =
        whole ? p_.total() : (std::min)(p_.total(), p_.offset(segment_length_) + detail::depth_block - 1);
    c_.gates.resize(cell_.gate_rows, c_.keep ? columns : (std::min)(columns, (std::max)(p_.batch(), chunk_columns())));
    cell_.prepare(columns, c_.keep);
    Index saved = 0;
    for (Index k = 0; c_.keep && k + 1 < segments_; ++k) saved += p_.batch_size(segment(k).begin);
    for (std::size_t s = 0; s < S; ++s) {
      c_.states[s].resize(cell_.state_rows[s], p_.batch() + columns);
      c_.saved[s].resize(cell_.state_rows[s], saved);
    }
    c_.saved_columns = 0;
  }

  void require_state(const char* what, const State& state) const {
    for (std::size_t s = 0; s < S; ++s) {
      const auto& field = state.fields[s];
      const Index rows = cell_.state_rows[s];
      require(field.rows() == rows && field.cols() == p_.batch(), layer_.who, ": ", what, State::names[s < 4 ? s : 3],
              " is ", field.rows(), " x ", field.cols(), ", expected ", rows, " x ", p_.batch());
    }
  }
  void enter(const State* from) {
    c_.learned_start = from == nullptr && layer_.options.learned_initial_state;
    for (std::size_t s = 0; s < S; ++s) {
      if (from != nullptr) {
        sort_sequences(p_, from->fields[s], c_.border[s]);
        continue;
      }
      c_.border[s].resize(cell_.state_rows[s], p_.batch());
      if (c_.learned_start)
        c_.border[s].colwise() = layer_.initial[s].col(0);
      else
        c_.border[s].setZero();
    }
  }
  void final_gradient(const State* d) {
    for (std::size_t s = 0; s < S; ++s) {
      if (d != nullptr) {
        sort_sequences(p_, d->fields[s], c_.d[s]);
      } else {
        c_.d[s].resize(cell_.state_rows[s], p_.batch());
        c_.d[s].setZero();
      }
    }
  }

  /// The states between two segments, those of the sequences that run in the next one.
  void push_border() {
    const Index n = p_.batch_size(c_.segment.begin);
    for (std::size_t s = 0; s < S; ++s) c_.saved[s].middleCols(c_.saved_columns, n) = c_.border[s].leftCols(n);
    c_.saved_columns += n;
  }
  void pop_border() {
    const Index n = p_.batch_size(c_.segment.begin);
    c_.saved_columns -= n;
    for (std::size_t s = 0; s < S; ++s) c_.border[s].leftCols(n) = c_.saved[s].middleCols(c_.saved_columns, n);
  }

  /// Forward through c_.segment, from the states at its border to those at the next.
  void run(bool keep, bool want_y) {
    const Segment& segment = c_.segment;
    segment.plan(p_, c_.steps);
    const Index running = p_.batch_size(segment.begin);
    for (std::size_t s = 0; s < S; ++s)
      for (Index j = 0; j < running; ++j) c_.states[s].col(segment.entrance(p_, j)) = c_.border[s].col(j);
    Pass<T, S> pass = this->pass(keep);
    const auto steps = pass.steps.first(static_cast<std::size_t>(segment.steps()));
    c_.ranges.for_each([&](const SequenceRange& range) {
      const auto project = [&](const Columns& columns, Index gates) {
        c_.input.forward(x_, {columns.first + segment.base, columns.n}, layer_.bias_ih,
                         c_.gates.middleCols(gates, columns.n), c_.input_scratch[range.index]);
      };
      const auto run_step = [&](const Step& step) {
        cell_.step(pass, step, c_.scratch[range.index]);
        if (want_y) c_.y.values.middleCols(step.at + segment.base, step.n) = c_.states[0].middleCols(step.out, step.n);
      };
      in_chunks(steps, range, chunk_columns(), keep, project, run_step);
    });
    for (std::size_t s = 0; s < S; ++s)
      for (Index j = 0; j < running; ++j) c_.border[s].col(j) = c_.states[s].col(segment.exit(p_, j));
  }
  /// The k-th segment's forward for its backward, with the floating-point mode that it had. Columns that wait for the
  /// rest of their block move to where its window has them.
  void run_again(Index k, const OpenColumns& open) {
    const FlushDenormals flush(c_.training);
    const Index base = c_.segment.base;
    const Columns done = c_.segment.columns(p_);
    const Index first = open.reverse ? open.first : done.first;
    const Index end = open.reverse ? done.first + done.n : open.first + open.n;
    c_.segment = segment(k, end - first);
    const auto move = [&](Matrix<T>& m, Index before) {
      move_columns(m, before + first - base, before + first - c_.segment.base, end - first);
    };
    move(c_.gates, 0);
    move(c_.states[0], p_.batch());
    if (cell_.can_recompute()) cell_.visit_columns([&](Matrix<T>& m) { move(m, 0); });
    pop_border();
    run(true, false);
  }

  /// Backward through c_.segment.
  void run_backward(const Matrix<T>* dy, const Gradient& gradient, OpenColumns& open) {
    const FlushDenormals flush;
    const Index base = c_.segment.base;
    Pass<T, S> pass = this->pass(true);
    const auto da = [&](const Columns& columns) { return c_.gates.middleCols(columns.first - base, columns.n); };
    const auto input_gradient = [&](const Columns& columns, const SequenceRange& range) {
      if (c_.want_dx) c_.input.backward(p_, columns, da(columns), c_.dx.values, c_.input_scratch[range.index]);
    };
    const auto accumulate = [&](const Columns& columns, const PackedMatrix<T>* packed = nullptr) {
      pass.packed = packed;
      if (layer_.weight_ih.trainable)
        c_.input.accumulate(x_, columns, da(columns), packed, gradient.weight_ih, pass.order, c_.input_scratch[0]);
      if (layer_.bias_ih.size() > 0 && layer_.bias_ih.trainable)
        add_row_sums(da(columns), gradient.bias_ih.data(), pass.order);
      cell_.accumulate(pass, gradient.cell, Columns{columns.first - base, columns.n});
    };
    c_.ranges.for_each([&](const SequenceRange& range) {
      for (auto k = static_cast<std::size_t>(c_.segment.steps()); k-- > 0;) {
        const Step step = range.within(c_.steps[k]);
        if (step.n <= 0) continue;
        const Columns columns{step.at + base, step.n};
        if (dy != nullptr) c_.d[0].middleCols(step.column, step.n) += dy->middleCols(columns.first, step.n);
        cell_.step_backward(pass, step, c_.d, c_.scratch[range.index]);
        if (!range.whole) input_gradient(columns, range);
        if (range.alone)
          open.complete(columns, [&](const Columns& block) {
            input_gradient(block, range);
            c_.packed.pack(view(da(block)), Transpose::no);  // once for dW and dU
            accumulate(block, &c_.packed);
          });
      }
      if (range.whole && !range.alone) input_gradient(c_.segment.columns(p_), range);
    });
    Columns complete{open.first, 0};
    open.complete(c_.segment.columns(p_), [&](const Columns& block) {
      complete = {(std::min)(complete.n > 0 ? complete.first : block.first, block.first), complete.n + block.n};
    });
    if (complete.n > 0) accumulate(complete);
  }
};

/// The loop's two doors. `from` and `to` may be null.
template <class T, int S>
UNROLL_API void run_recurrent(const RecurrentParts<T, S>& layer, const Context& context, const PackedSequence<T>& x,
                              RecurrentBuffers<T, S>& cache, const RecurrentState<T, S>* from,
                              RecurrentState<T, S>* to);
template <class T, int S>
UNROLL_API void run_recurrent_backward(const RecurrentParts<T, S>& layer, const PackedSequence<T>& x,
                                       const Matrix<T>* dy, RecurrentBuffers<T, S>& cache,
                                       const RecurrentState<T, S>* d_final, RecurrentState<T, S>* d_initial,
                                       const RecurrentGradient<T, S>& gradient);

template <class T, int S>
void run_recurrent(const RecurrentParts<T, S>& layer, const Context& context, const PackedSequence<T>& x,
                   RecurrentBuffers<T, S>& cache, const RecurrentState<T, S>* from, RecurrentState<T, S>* to) {
  RecurrentLoop<T, S>(layer, x, cache).forward(context, from, to);
}
template <class T, int S>
void run_recurrent_backward(const RecurrentParts<T, S>& layer, const PackedSequence<T>& x, const Matrix<T>* dy,
                            RecurrentBuffers<T, S>& cache, const RecurrentState<T, S>* d_final,
                            RecurrentState<T, S>* d_initial, const RecurrentGradient<T, S>& gradient) {
  RecurrentLoop<T, S>(layer, x, cache).backward(dy, d_final, d_initial, gradient);
}

#define UNROLL_RECURRENT_INSTANCES(DECLARE, T, S)                                                                    \
  DECLARE void run_recurrent<T, S>(const RecurrentParts<T, S>&, const Context&, const PackedSequence<T>&,            \
                                   RecurrentBuffers<T, S>&, const RecurrentState<T, S>*, RecurrentState<T, S>*);     \
  DECLARE void run_recurrent_backward<T, S>(const RecurrentParts<T, S>&, const PackedSequence<T>&, const Matrix<T>*, \
                                            RecurrentBuffers<T, S>&, const RecurrentState<T, S>*,                    \
                                            RecurrentState<T, S>*, const RecurrentGradient<T, S>&);
#if !UNROLL_HEADER_ONLY
UNROLL_RECURRENT_INSTANCES(extern template, float, 1)
UNROLL_RECURRENT_INSTANCES(extern template, float, 2)
UNROLL_RECURRENT_INSTANCES(extern template, double, 1)
UNROLL_RECURRENT_INSTANCES(extern template, double, 2)
#endif

}  // namespace unroll::inline UNROLL_ABI
