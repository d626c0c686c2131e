// How a recurrent layer is run, and what it keeps while it runs. The equations are elsewhere: cell/ and recurrent.hpp.
#pragma once

#include <optional>

#include <unroll/cell/cell_steps.hpp>
#include <unroll/cell/pointwise.hpp>
#include <unroll/cell/weight_drop.hpp>
#include <unroll/core/joined.hpp>
#include <unroll/layer/layer.hpp>
#include <unroll/layer/recurrent/input_projection.hpp>
#include <unroll/layer/recurrent/segment.hpp>
#include <unroll/layer/recurrent/sequence_ranges.hpp>

namespace unroll::inline UNROLL_ABI {

template <class E> class Stagewise;
struct RecurrentTrace;  // layer/recurrent_record.hpp

/// Input and recurrent dropout are drawn once per sequence and reused at all its steps (Gal and Ghahramani 2016).
struct RecurrentOptions {
  double input_dropout = 0;      ///< rate, on the inputs x
  double recurrent_dropout = 0;  ///< rate, on h before the recurrent product; never on c, nor on the z * h of a GRU
  bool per_gate = false;         ///< masks of their own for each gate, as Keras draws; else one for all
  double weight_dropout = 0;     ///< rate, on the elements of U, one mask for all of a pass; see WeightDrop
  bool reverse = false;          ///< from the last step of each sequence to its first; outputs keep their time
  /// b, or b and b_h, the cell's too: what is said here holds for every cell. Not said: both, as in PyTorch, or what
  /// the cell usually has (one in GruResetBefore, as in Keras).
  std::optional<Bias> bias{};
  bool learned_initial_state = false;  ///< the state to start from is a parameter, unless one is carried in
  /// k > 0: the cache keeps the states of every k-th step alone, and backward computes k steps at a time again: less
  /// memory, least about k = sqrt(T), for at most one forward pass more. Same bits. 0: nothing is computed twice.
  Index recompute_every = 0;
};

/// State of a recurrent layer: S fields (rows, B), field 0 being h, in the user's order.
template <class T, int S> struct RecurrentState {
  std::array<Matrix<T>, static_cast<std::size_t>(S)> fields;

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    for (std::size_t s = 0; s < std::size_t(S); ++s) f(at.leaf(names[s < 4 ? s : 3], Kind::state), self.fields[s]...);
  }
  static constexpr std::array<std::string_view, 4> names{"h", "c", "n", "m"};
};

/// What the packed weights of a pass depend on besides their values.
struct PackedFor {
  Index gate_rows = 0, inputs = 0, units = 0;
  int groups = 0;
  bool keep = false;
  SimdLevel level{};
  bool operator==(const PackedFor&) const = default;
};

/// What a recurrent layer keeps of a batch, and room to work.
template <class T, int S> struct RecurrentBuffers {
  PackedSequence<T> y, dx;
  Segment segment;                      ///< whose steps are in the arrays of W columns: W = N for the whole batch
  Matrix<T> gates;                      ///< (GX H, W): A, then what the cell keeps, then dA
  PerState<Matrix<T>, S> states;        ///< (rows, B + W)
  PerState<Matrix<T>, S> border;        ///< (rows, B), sorted: the states between two segments
  PerState<Matrix<T>, S> saved;         ///< the states before each segment that is to be recomputed, side by side
  PerState<Matrix<T>, S> d;             ///< (rows, B): the gradient of the state on its way back
  std::vector<Step> steps;              ///< of the segment, in the order of the forward pass
  SequenceRanges ranges;                ///< of the threads
  std::vector<StepScratch<T>> scratch;  ///< one per range
  std::vector<typename InputProjection<T>::Scratch> input_scratch;
  InputProjection<T> input;
  PackedMatrix<T> packed;
  RecurrentMask<T> mask;
  Index saved_columns = 0;
  Index segment_length = 0;  ///< of the forward pass, and its direction
  bool reverse = false;
  bool keep = false, training = false, learned_start = false;
  bool ready = false;  ///< a forward pass has left all that one backward pass needs
  bool want_y = true, want_dx = true;
  PackedFor packed_for{};           ///< of the last pass
  RecurrentTrace* trace = nullptr;  ///< where this pass leaves what happened in it, if somebody wants to see that
  const PackedSequence<T>& output() const { return y; }
};
template <class Cell> struct RecurrentCache : RecurrentBuffers<typename Cell::Scalar, Cell::S> {
  typename Cell::Cache cell;
  WeightDrop<Cell> weight_drop;
};

namespace detail {
/// Cells that look at the same sequences in all their steps.
template <class C>
concept LooksBack =
    requires(const C& cell, typename C::Cache& cache, const PackedSequence<typename C::Scalar>& memory) {
      cell.enter(cache, memory, memory.packing);
    };
/// Where among its gates a cell forgets, for the bias that it starts with.
template <class C> Columns forget_rows(const C& cell) {
  if constexpr (requires { cell.forget_rows(); })
    return cell.forget_rows();
  else if constexpr (requires { C::Equations::forget_gate; })
    return {C::Equations::forget_gate * cell.units(), cell.units()};
  else if constexpr (requires { C::forget_gate; })
    return {C::forget_gate * cell.units(), cell.units()};
  else
    return {0, 0};
}
/// In the place of what is none, so that nothing more is said about it.
struct NoCell {
  using Scalar = float;
  using Cache = Nothing;
  static constexpr int S = 1, gates = 1;
  static constexpr std::string_view name = "no cell";
  template <class C> explicit NoCell(const C&) {}
  Index inputs() const { return 0; }
  Index gate_rows() const { return 0; }
  Index state_rows(int) const { return 0; }
  template <class F, class... Self> static void visit(F&&, const Path&, Self&...) {}
};
template <class C> struct CellFor {
  static constexpr bool has_backward = !LacksBackward<C>;  // a compiler lists no reasons for a variable
  static_assert(has_backward,
                "unroll::Recurrent: this cell has a `forward` and no `backward`: write `backward`, or wrap the cell in "
                "Derived, which derives it: Derived<MyCell<>>{D, H} (docs/own_cell.md).");
  static constexpr bool is_cell = !has_backward;
  static_assert(is_cell,
                "unroll::Recurrent: this is neither a PointwiseCell (GX, GU, S, C, name, forward and backward over a "
                "value type, without branches on values) nor a Cell (step, step_backward, accumulate).");
  using type = NoCell;
};
template <Cell C> struct CellFor<C> {
  using type = C;
};
/// Instantiates the equations here, so that what they do wrongly is said near the line that names them.
template <class E> consteval bool read_equations() {
  [[maybe_unused]] constexpr auto forward = &call_forward<E, Value<typename E::Scalar>>;
  [[maybe_unused]] constexpr auto backward = &call_backward<E, Value<typename E::Scalar>>;
  return true;
}
template <PointwiseCell E> struct CellFor<E> {
  static_assert(read_equations<E>());
  using type = Pointwise<E>;
};
template <InStages E> struct CellFor<E> {
  using type = Stagewise<E>;
};
template <class C> constexpr Bias usual_bias() {
  if constexpr (requires { C::usual_bias; })
    return C::usual_bias;
  else
    return HasBias<C> ? Bias::dual : Bias::single;
}
template <class C> typename CellFor<C>::type make_cell(const C& of, Bias bias) {
  using Made = typename CellFor<C>::type;
  Made cell(of);
  if constexpr (HasBias<Made>)
    cell.set_bias(bias);
  else
    require(bias != Bias::dual, "Recurrent<", Made::name, ">: Bias::dual needs a cell with set_bias (see Cell)");
  return cell;
}
/// `Recurrent<Lstm>`, for messages.
template <class C> class RecurrentName {
  static constexpr std::string_view before = "Recurrent<", cell = C::name, after = ">";

 public:
  static constexpr std::string_view value = Joined<before, cell, after>::value;
};
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
