// What happens inside of recurrent layers, for who asks for it while a model is trained.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/packed_sequence.hpp>
#include <unroll/core/parameter.hpp>

namespace unroll::inline UNROLL_ABI {

/// One pass of a recurrent layer forward and back, a column for each of its N steps as in its packed input, in double
/// whatever the layer computes in. Backward fills it.
///
/// States are variables of their own: d_states[1] is what later steps make of c_t while h_t stays as it is; that h_t
/// was read off c_t is in d_states[0]. So at the last step of a classifier the gradient of c is 0, and the vector of
/// all of a column is what truncated backpropagation hands from step to step.
struct RecurrentTrace {
  std::string_view who;             ///< the layer, for messages: Recurrent<Lstm>
  const void* weight_ih = nullptr;  ///< the address of its W: a walk over the model finds its name
  std::string_view gate_names;      ///< a letter for each gate in `gates`, - for what is none; empty: not known
  bool reverse = false;
  Packing packing;
  Matrix<double> x;                      ///< (D, N)
  std::vector<Matrix<double>> states;    ///< h, c, .. after each step, (rows, N) each
  std::vector<Matrix<double>> d_states;  ///< dL/dh_t, dL/dc_t, ..: the gradient with that of the output y_t in it
  Matrix<double> d_output;               ///< (rows of h, N): dL/dy_t alone; 0 where only the final state is asked for
  Matrix<double> gates;                  ///< (H for each letter, N): their values

  bool is_filled() const { return !states.empty(); }
  /// Packed column of the step from which that of sorted sequence j at time t comes; -1: it is the sequence's first.
  Index before(Index t, Index j) const {
    const Index from = reverse ? t + 1 : t - 1;
    return from < 0 || from >= packing.length(j) ? -1 : packing.offset(from) + j;
  }

  /// For the layer's backward: room for all steps ..
  template <class T> void begin(const PackedSequence<T>& input, const auto& state_rows, Index gate_rows) {
    packing = input.packing;
    const Index total = packing.total();
    x = input.values.template cast<double>();
    states.resize(std::size(state_rows)), d_states.resize(std::size(state_rows));
    for (std::size_t s = 0; s < std::size(state_rows); ++s) {
      states[s].resize(state_rows[s], total);
      d_states[s].resize(state_rows[s], total);
    }
    d_output.resize(state_rows[0], total);
    d_output.setZero();
    gates.resize(gate_rows * static_cast<Index>(gate_names.size()), total);
  }
  /// .. and n columns of `from`, from its `first`, to `to`, from its `at`. Threads may write different columns.
  template <class T> static void copy(const Matrix<T>& from, Index first, Index n, Matrix<double>& to, Index at) {
    to.middleCols(at, n) = from.block(0, first, to.rows(), n).template cast<double>();
  }
};

/// What the recurrent layers of a pass leave where Context::recurrent names one: every cell, both directions, stacks
/// and composites. It has to be there until the backward pass, and costs a copy of all steps in double; a pass without
/// one costs nothing. Numbers are the same with it and without. For one pass at a time: `fit` may run parts of a batch
/// on several threads.
class RecurrentRecord {
 public:
  void clear() { traces_.clear(); }
  /// Traces in the order of the forward pass; the directions of a bidirectional layer may run at the same time.
  Index size() const { return static_cast<Index>(traces_.size()); }
  const RecurrentTrace& operator[](Index k) const { return *traces_[static_cast<std::size_t>(k)]; }
  /// That of the layer with this `weight_ih`, of its call-th call. Throws where it was not called as often.
  const RecurrentTrace& of(const auto& layer, Index call = 0) const { return find(&layer.weight_ih, call); }

  /// For a layer's forward. The trace stays where it is until `clear`.
  RecurrentTrace& open(std::string_view who, const void* weight_ih, bool reverse, std::string_view gate_names) {
    auto trace = std::make_unique<RecurrentTrace>();
    trace->who = who, trace->weight_ih = weight_ih, trace->reverse = reverse, trace->gate_names = gate_names;
    const std::lock_guard lock(*mutex_);
    return *traces_.emplace_back(std::move(trace));
  }

 private:
  const RecurrentTrace& find(const void* weight_ih, Index call) const {
    Index calls = 0;
    for (const auto& trace : traces_)
      if (trace->weight_ih == weight_ih && calls++ == call) return *trace;
    fail("RecurrentRecord: the layer was called ", calls, " times with this record, expected more than ", call);
  }

  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
  std::vector<std::unique_ptr<RecurrentTrace>> traces_;
};

namespace detail {
/// The letters of the gates that a cell of equations keeps for its backward, in the order in which it keeps them.
template <class C> constexpr std::string_view gate_names_of() {
  if constexpr (requires { std::string_view(C::Equations::gate_names); })
    return C::Equations::gate_names;
  else
    return {};
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
