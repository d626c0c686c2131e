// The matrix level: what `Recurrent` asks of a cell, whatever is inside it.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <span>
#include <string_view>
#include <vector>

#include <unroll/cell/pointwise_cell.hpp>
#include <unroll/core/context.hpp>
#include <unroll/core/initialize.hpp>
#include <unroll/core/packed_sequence.hpp>
#include <unroll/kernel/matmul.hpp>

namespace unroll::inline UNROLL_ABI {

/// One time step of a range of sequences. Columns: `at` in the packed arrays (N), `in` and `out` in the state storage
/// (B + N) before and after the step, `column` in what has one column per sequence (B, sorted), `gates` in the gates,
/// which is `at` unless no backward follows. n of them each, all at `time`.
struct Step {
  Index at, n, in, out, column, gates, time = 0;
};

/// Packed columns [first, first + n).
struct Columns {
  Index first, n;
};

/// Recurrent dropout, one draw per sequence: scales (H, B), sorted, on h before the recurrent product. None, one for
/// all gates (Gal and Ghahramani 2016), or one per gate (Keras).
template <class T> struct RecurrentMask {
  std::vector<Matrix<T>> masks;
  int count = 0;  ///< of those in use
  const Matrix<T>* gate(int g) const {
    return count == 0 ? nullptr : &masks[count == 1 ? 0 : static_cast<std::size_t>(g)];
  }
  /// New ones, `n` of them, (rows, B) each; `first` is the number that the first has within its layer.
  void draw(const Context& context, std::uint64_t first, double rate, int n, Index rows, const Packing& p) {
    count = context.training && rate > 0 ? n : 0;
    if (masks.size() < static_cast<std::size_t>(count)) masks.resize(static_cast<std::size_t>(count));
    for (std::size_t g = 0; g < static_cast<std::size_t>(count); ++g) {
      const DropoutMask mask(context, first + g, rate);
      masks[g].resize(rows, p.batch());
      for (Index j = 0; j < p.batch(); ++j) mask.draw(p.row(j), 0, rows, masks[g].col(j).data());
    }
  }
};

/// One for each of the S fields of a state.
template <class X, int S> using PerState = std::array<X, static_cast<std::size_t>(S)>;
/// The matrices of a state, which may be some of those of a larger one.
template <class T, int S> using StateFields = std::span<Matrix<T>, static_cast<std::size_t>(S)>;

/// One pass of a batch through a layer, as its cell sees it.
template <class T, int S> struct Pass {
  Matrix<T>& gates;  ///< (GX H, N): W x + b on the way forward, then the cell's to keep what it wants; it leaves the
                     ///< gradient there. Without `keep` (GX H, some columns)
  StateFields<T, S> states;     ///< (rows, B + N)
  std::span<const Step> steps;  ///< of all these columns, all sequences, in the order of the forward pass
  const RecurrentMask<T>& mask;
  bool keep;                                ///< a backward pass may follow
  Blocks order;                             ///< of sums over columns: that in which the backward pass is done with them
  const PackedMatrix<T>* packed = nullptr;  ///< in `accumulate`: the gates' gradient of its columns, or null
};

/// Room for a thread's steps.
template <class T> struct StepScratch {
  Matrix<T> values;
  MatmulScratch<T> product;
};

/// A cell is a value that owns its recurrent parameters. `Recurrent` owns W, b and time, and calls
///   prepare(cache, N, keep)                       once before a pass: sizes buffers, packs weights; N columns, or
///                                                 fewer where the layer recomputes. A cache with a member
///                                                 `same_weights` is told there whether they are packed already
///   step(pass, cache, step, scratch)              reads states at step.in, writes them at step.out
///   step_backward(pass, cache, step, d, scratch)  d, StateFields (rows, B), holds d_next at step.column on entry,
///   d_prev on return;
///                                                 writes the gradient of pass.gates at step.at
///   accumulate(pass, cache, gradient, columns)    gradient += for its own parameters, over these columns, which are
///                                                 all, or a block of a product's sum: blocks come in `pass.order`
/// where the layer recomputes, static
///   visit_columns(f, cache)                       f(matrix) for each matrix of the cache with a column for each step
/// and, if the cell has them,
///   begin(cache, context, packing)                before `prepare`, of a forward pass: for a cell that draws
///   open_sums(cache, B)                           before a backward pass, of B sequences
///   close_sums(cache, gradient)                   after it: gradient += what was added up in the steps
///   set_bias(bias)                                the layer's option decides, once: b_h is there for Bias::dual. A
///                                                 cell without this has none
///   recurrent_gates                               a constant: those with a product with h, if they are not `gates`
///   scratch_rows()                                rows of scratch.values that a step uses
///   usual_bias                                    a constant, if the layer's option is not given; else dual with b_h
///   check_parameters()                            throws where a public parameter has been given another shape
/// Axioms: a step writes only its own columns, so that ranges of sequences may run on different threads; `scratch`
/// belongs to the thread; each output element is summed in an order that does not depend on the columns beside it.
template <class C>
concept Cell = requires(const C& cell, C& gradient, typename C::Cache& cache, Pass<typename C::Scalar, C::S>& pass,
                        const Step& step, StateFields<typename C::Scalar, C::S> d,
                        StepScratch<typename C::Scalar>& scratch, const Columns& columns, Rng rng) {
  { C::S } -> std::convertible_to<int>;
  { C::gates } -> std::convertible_to<int>;
  { C::name } -> std::convertible_to<std::string_view>;
  { cell.inputs() } -> std::convertible_to<Index>;
  { cell.state_rows(0) } -> std::convertible_to<Index>;
  { cell.gate_rows() } -> std::convertible_to<Index>;
  cell.prepare(cache, Index{}, bool{});
  cell.step(pass, cache, step, scratch);
  cell.step_backward(pass, cache, step, d, scratch);
  cell.accumulate(pass, cache, gradient, columns);
  gradient.initialize(rng, Scheme{});
  C::visit([](const Path&, auto&...) {}, Path{}, gradient);
};

/// A cell with a b_h, which the layer's option gives or takes.
template <class C>
concept HasBias = requires(C& cell) { cell.set_bias(Bias::dual); };

/// A cell that adds up in its backward steps.
template <class C>
concept HasSums = requires(const C& cell, typename C::Cache& cache, C& gradient) {
  cell.open_sums(cache, Index{});
  cell.close_sums(cache, gradient);
};

/// A cell whose steps a layer may recompute.
template <class C>
concept HasColumns = requires(typename C::Cache& cache) { C::visit_columns([](auto&) {}, cache); };

namespace detail {
/// Throws where a public parameter has been given another shape than its cell or layer was made with.
template <class T>
void require_shape(std::string_view who, std::string_view name, const Matrix<T>& p, Index rows, Index cols) {
  require(p.rows() == rows && p.cols() == cols, who, ": ", name, " is ", p.rows(), " x ", p.cols(), ", expected ", rows,
          " x ", cols);
}
/// The same of a bias, which may be absent.
template <class T> void require_bias(std::string_view who, std::string_view name, const Matrix<T>& p, Index rows) {
  if (p.size() > 0) require_shape(who, name, p, rows, 1);
}
/// A bias that is wanted is there, zero if it was not there before; one that is not is absent.
template <class T> void set_bias(Parameter<T>& p, bool wanted, Index rows) {
  if (const Index size = wanted ? rows : 0; p.rows() != size) p = Matrix<T>::Zero(size, 1);
}
}  // namespace detail

/// f(step, skipped, at, n) for the n columns of each step that are among `columns`, from `at` there: all but the first
/// `skipped` of the step's.
template <class F> void for_each_step(std::span<const Step> steps, const Columns& columns, const F& f) {
  for (const Step& s : steps) {
    const Index first = (std::max)(s.at, columns.first), n = (std::min)(s.at + s.n, columns.first + columns.n) - first;
    if (n > 0) f(s, first - s.at, first - columns.first, n);
  }
}
/// state[0] before the steps of these columns, masked for gate g: the (H, n) operand of a product over them. Ragged
/// batches leave gaps between the blocks, so it is gathered; about 1 / (8 H) of the product's cost.
template <class T, int S> void gather_operand(const Pass<T, S>& pass, int g, const Columns& columns, Matrix<T>& h) {
  const Matrix<T>* mask = pass.mask.gate(g);
  h.resize(pass.states[0].rows(), columns.n);
  for_each_step(pass.steps, columns, [&](const Step& s, Index skipped, Index at, Index n) {
    const auto from = pass.states[0].middleCols(s.in + skipped, n);
    if (mask == nullptr)
      h.middleCols(at, n) = from;
    else
      h.middleCols(at, n) = from.cwiseProduct(mask->middleCols(s.column + skipped, n));
  });
}

}  // namespace unroll::inline UNROLL_ABI
