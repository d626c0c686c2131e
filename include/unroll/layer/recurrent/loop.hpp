// A recurrent layer's way through the steps of a batch and back. The equations of a step are in cell/.
#pragma once

#include <algorithm>
#include <cstddef>

#include <unroll/core/denormals.hpp>
#include <unroll/layer/recurrent/border.hpp>
#include <unroll/layer/recurrent/chunks.hpp>
#include <unroll/layer/recurrent/parts.hpp>
#include <unroll/layer/recurrent/prepare.hpp>
#include <unroll/layer/recurrent_record.hpp>

namespace unroll::inline UNROLL_ABI {

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
        segments_(Segments::of(x.packing, layer.options.recompute_every, layer.options.reverse)),
        border_(layer, x.packing, cache) {}

  void forward(const Context& context, const State* from, State* to) {
    const FlushDenormals flush(context.training);
    if (from != nullptr) border_.check("initial state ", *from);
    c_.ready = false;
    c_.segment_length = segments_.length;
    c_.reverse = layer_.options.reverse;
    c_.keep = context.gradients;
    c_.training = context.training;
    prepare_pass(layer_, context, x_, segments_, c_);
    border_.enter(from);
    c_.y.packing = p_;
    c_.y.values.resize(cell_.state_rows[0], c_.want_y ? p_.total() : 0);
    for (Index k = 0; k < segments_.count; ++k) {
      const bool last = k + 1 == segments_.count;
      c_.segment = segments_.at(p_, k);
      if (c_.keep && !last) border_.push();
      run(c_.keep && last, c_.want_y);  // those that are not kept run again, just before their backward
    }
    border_.leave(to);
    c_.ready = c_.keep;
  }

  /// dy has the gradient of every step's output, or is null.
  void backward(const Matrix<T>* dy, const State* d_final, State* d_initial, const Gradient& gradient) {
    if (d_final != nullptr) border_.check("gradient of the final state ", *d_final);
    require(c_.segment_length == segments_.length && c_.reverse == layer_.options.reverse, layer_.who,
            ": recompute_every or reverse has changed since the forward pass");
    c_.ready = false;  // the gates will hold their gradient
    border_.enter_backward(d_final);
    if (c_.trace != nullptr) c_.trace->begin(x_, cell_.state_rows, cell_.gate_rows / (std::max)(cell_.gates, 1));
    if (c_.want_dx) {
      shape_like(c_.dx, x_, layer_.weight_ih.cols());
      c_.input.prepare_backward(layer_.weight_ih);
    }
    OpenColumns open{0, p_.total(), layer_.options.reverse};
    cell_.open_sums(p_.batch());
    for (Index k = segments_.count; k-- > 0;) {
      if (k + 1 < segments_.count) run_again(k, open);
      run_backward(dy, gradient, open);
    }
    const FlushDenormals flush;
    cell_.close_sums(gradient.cell);
    border_.leave_backward(d_initial, gradient);
    c_.trace = nullptr;
  }

 private:
  const Layer& layer_;
  const AnyCell<T, S>& cell_;
  const PackedSequence<T>& x_;
  const Packing& p_;
  Cache& c_;
  const Segments segments_;
  RecurrentBorder<T, S> border_;

  Pass<T, S> pass(bool keep) const {
    const Blocks order = layer_.options.reverse ? Blocks::ascending : Blocks::descending;
    return {c_.gates, c_.states, c_.steps, c_.mask, keep, order};
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
      in_chunks(steps, range, chunk_columns(c_.ranges, cell_.gate_rows, layer_.weight_ih), keep, project, run_step);
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
    c_.segment = segments_.at(p_, k, end - first);
    const auto move = [&](Matrix<T>& m, Index before) {
      move_columns(m, before + first - base, before + first - c_.segment.base, end - first);
    };
    move(c_.gates, 0);
    move(c_.states[0], p_.batch());
    if (cell_.can_recompute()) cell_.visit_columns([&](Matrix<T>& m) { move(m, 0); });
    border_.pop();
    run(true, false);
  }

  /// A step before its backward, which writes the gradient over the gates.
  void show(const Step& step, const Columns& columns, const Matrix<T>* dy) const {
    RecurrentTrace& trace = *c_.trace;
    for (std::size_t s = 0; s < S; ++s) {
      trace.copy(c_.states[s], step.out, step.n, trace.states[s], columns.first);
      trace.copy(c_.d[s], step.column, step.n, trace.d_states[s], columns.first);
    }
    if (dy != nullptr) trace.copy(*dy, columns.first, step.n, trace.d_output, columns.first);
    trace.copy(c_.gates, step.at, step.n, trace.gates, columns.first);
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
        if (c_.trace != nullptr) show(step, columns, dy);
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
UNROLL_RECURRENT_INSTANCES(extern template, float, 3)
UNROLL_RECURRENT_INSTANCES(extern template, double, 1)
UNROLL_RECURRENT_INSTANCES(extern template, double, 2)
UNROLL_RECURRENT_INSTANCES(extern template, double, 3)
#endif

}  // namespace unroll::inline UNROLL_ABI
