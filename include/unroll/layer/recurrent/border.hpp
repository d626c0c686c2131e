// The states of a recurrent layer at the ends of a batch and between its segments.
#pragma once

#include <cstddef>

#include <unroll/layer/recurrent/parts.hpp>

namespace unroll::inline UNROLL_ABI {

/// Of one layer, one batch and its cache. `border` has the states where one segment ends and the next begins, `saved`
/// those before each segment that is to run again, `d` their gradient on its way back.
template <class T, int S> class RecurrentBorder {
 public:
  using State = RecurrentState<T, S>;

  RecurrentBorder(const RecurrentParts<T, S>& layer, const Packing& p, RecurrentBuffers<T, S>& cache)
      : layer_(layer), p_(p), c_(cache) {}

  /// Throws where a state is of another shape.
  void check(const char* what, const State& state) const {
    for (std::size_t s = 0; s < S; ++s) {
      const auto& field = state.fields[s];
      const Index rows = layer_.cell.state_rows[s];
      require(field.rows() == rows && field.cols() == p_.batch(), layer_.who, ": ", what, State::names[s < 4 ? s : 3],
              " is ", field.rows(), " x ", field.cols(), ", expected ", rows, " x ", p_.batch());
    }
  }

  /// The states that the first segment starts from; null: zeros, or those that are learned.
  void enter(const State* from) {
    c_.learned_start = from == nullptr && layer_.options.learned_initial_state;
    for (std::size_t s = 0; s < S; ++s) {
      if (from != nullptr) {
        sort_sequences(p_, from->fields[s], c_.border[s]);
        continue;
      }
      c_.border[s].resize(layer_.cell.state_rows[s], p_.batch());
      if (c_.learned_start)
        c_.border[s].colwise() = layer_.initial[s].col(0);
      else
        c_.border[s].setZero();
    }
  }
  /// Those that the last one ends in, unless nobody wants them.
  void leave(State* to) const {
    if (to != nullptr)
      for (std::size_t s = 0; s < S; ++s) unsort_sequences(p_, c_.border[s], to->fields[s]);
  }
  /// The same of their gradient, which comes in where the states went out.
  void enter_backward(const State* d) {
    for (std::size_t s = 0; s < S; ++s) {
      if (d != nullptr) {
        sort_sequences(p_, d->fields[s], c_.d[s]);
      } else {
        c_.d[s].resize(layer_.cell.state_rows[s], p_.batch());
        c_.d[s].setZero();
      }
    }
  }
  void leave_backward(State* d, const RecurrentGradient<T, S>& gradient) const {
    for (std::size_t s = 0; s < S; ++s) {
      if (d != nullptr) unsort_sequences(p_, c_.d[s], d->fields[s]);
      if (c_.learned_start && layer_.initial[s].trainable) add_row_sums(c_.d[s], gradient.initial[s].data());
    }
  }

  /// Keeps the states of the sequences that run in the present segment, the next in the order of the forward pass.
  void push() {
    const Index n = p_.batch_size(c_.segment.begin);
    for (std::size_t s = 0; s < S; ++s) c_.saved[s].middleCols(c_.saved_columns, n) = c_.border[s].leftCols(n);
    c_.saved_columns += n;
  }
  /// Takes them back when it is the present one again, to run a second time.
  void pop() {
    const Index n = p_.batch_size(c_.segment.begin);
    c_.saved_columns -= n;
    for (std::size_t s = 0; s < S; ++s) c_.border[s].leftCols(n) = c_.saved[s].middleCols(c_.saved_columns, n);
  }

 private:
  const RecurrentParts<T, S>& layer_;
  const Packing& p_;
  RecurrentBuffers<T, S>& c_;
};

}  // namespace unroll::inline UNROLL_ABI
