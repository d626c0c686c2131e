// A cell whose type the loop over the steps need not know.
#pragma once

#include <string_view>

#include <unroll/cell/cell.hpp>
#include <unroll/cell/weight_drop.hpp>

namespace unroll::inline UNROLL_ABI {

/// What `Recurrent` calls of a cell (see Cell), so that its loop is compiled for a scalar and a number of state fields,
/// not for every cell again.
template <class T, int S> struct CellSteps {
  void (*prepare)(const void* cell, void* cache, Index columns, bool keep, bool same_weights);
  void (*step)(const void* cell, Pass<T, S>& pass, void* cache, const Step& step, StepScratch<T>& scratch);
  void (*step_backward)(const void* cell, Pass<T, S>& pass, void* cache, const Step& step, StateFields<T, S> d,
                        StepScratch<T>& scratch);
  void (*accumulate)(const void* cell, Pass<T, S>& pass, void* cache, void* gradient, const Columns& columns);
  void (*visit_columns)(void* cache, FunctionRef<Matrix<T>&> f);  ///< null for a cell that cannot recompute
  void (*open_sums)(const void* cell, void* cache, Index batch);  ///< nothing for a cell that has none
  void (*close_sums)(const void* cell, void* cache, void* gradient);
};

/// T and S are those of C: said again so that to declare it of a cell does not need that cell's class.
template <class C, class T, int S> UNROLL_API const CellSteps<T, S>& cell_steps();

template <class C, class T, int S> const CellSteps<T, S>& cell_steps() {
  static_assert(Cell<C>);
  using Cache = typename C::Cache;
  static constexpr CellSteps<T, S> steps{
      [](const void* cell, void* cache, Index columns, bool keep, bool same_weights) {
        if constexpr (requires(Cache& c) { c.same_weights; }) static_cast<Cache*>(cache)->same_weights = same_weights;
        static_cast<const C*>(cell)->prepare(*static_cast<Cache*>(cache), columns, keep);
      },
      [](const void* cell, Pass<T, S>& pass, void* cache, const Step& step, StepScratch<T>& scratch) {
        static_cast<const C*>(cell)->step(pass, *static_cast<Cache*>(cache), step, scratch);
      },
      [](const void* cell, Pass<T, S>& pass, void* cache, const Step& step, StateFields<T, S> d,
         StepScratch<T>& scratch) {
        static_cast<const C*>(cell)->step_backward(pass, *static_cast<Cache*>(cache), step, d, scratch);
      },
      [](const void* cell, Pass<T, S>& pass, void* cache, void* gradient, const Columns& columns) {
        static_cast<const C*>(cell)->accumulate(pass, *static_cast<Cache*>(cache), *static_cast<C*>(gradient), columns);
      },
      [] {
        using Visit = void (*)(void*, FunctionRef<Matrix<T>&>);
        if constexpr (HasColumns<C>)
          return Visit(
              [](void* cache, FunctionRef<Matrix<T>&> f) { C::visit_columns(f, *static_cast<Cache*>(cache)); });
        else
          return Visit(nullptr);
      }(),
      [](const void* cell, void* cache, Index batch) {
        if constexpr (HasSums<C>) static_cast<const C*>(cell)->open_sums(*static_cast<Cache*>(cache), batch);
      },
      [](const void* cell, void* cache, void* gradient) {
        if constexpr (HasSums<C>)
          static_cast<const C*>(cell)->close_sums(*static_cast<Cache*>(cache), *static_cast<C*>(gradient));
      }};
  return steps;
}

/// A cell of a layer with its cache, and its sizes.
template <class T, int S> struct AnyCell {
  const CellSteps<T, S>* steps;
  const void* cell;
  void* cache;
  Index inputs, gate_rows;
  int gates, recurrent_gates;
  Index scratch_rows = 0;
  PerState<Index, S> state_rows;

  template <Cell C>
  AnyCell(const C& of, typename C::Cache& its)
      : steps(&cell_steps<C, T, S>()),
        cell(&of),
        cache(&its),
        inputs(of.inputs()),
        gate_rows(of.gate_rows()),
        gates(C::gates),
        recurrent_gates(gates) {
    if constexpr (requires { C::recurrent_gates; }) recurrent_gates = C::recurrent_gates;
    if constexpr (requires { of.scratch_rows(); }) scratch_rows = of.scratch_rows();
    for (std::size_t s = 0; s < std::size_t(S); ++s) state_rows[s] = of.state_rows(static_cast<int>(s));
  }

  void prepare(Index columns, bool keep, bool same_weights) const {
    steps->prepare(cell, cache, columns, keep, same_weights);
  }
  void step(Pass<T, S>& pass, const Step& at, StepScratch<T>& scratch) const {
    steps->step(cell, pass, cache, at, scratch);
  }
  void step_backward(Pass<T, S>& pass, const Step& at, StateFields<T, S> d, StepScratch<T>& scratch) const {
    steps->step_backward(cell, pass, cache, at, d, scratch);
  }
  void accumulate(Pass<T, S>& pass, void* gradient, const Columns& columns) const {
    steps->accumulate(cell, pass, cache, gradient, columns);
  }
  void open_sums(Index batch) const { steps->open_sums(cell, cache, batch); }
  void close_sums(void* gradient) const { steps->close_sums(cell, cache, gradient); }
  bool can_recompute() const { return steps->visit_columns != nullptr; }
  void visit_columns(FunctionRef<Matrix<T>&> f) const { steps->visit_columns(cache, f); }
};

/// Of a built-in cell or of the adapter A of built-in equations E, in its header.
#define UNROLL_CELL_CODE(DECLARE, C, E)                                                         \
  DECLARE UNROLL_API const CellSteps<E::Scalar, E::S>& cell_steps<C, E::Scalar, E::S>();        \
  DECLARE UNROLL_API void detail::begin_pass(WeightDrop<C>&, const Context&, double, const C&); \
  DECLARE UNROLL_API C& detail::begin_backward(WeightDrop<C>&, C&);                             \
  DECLARE UNROLL_API void detail::end_backward(WeightDrop<C>&, C&);
#define UNROLL_CELL_INSTANCES(DECLARE, C)       \
  UNROLL_CELL_CODE(DECLARE, C<float>, C<float>) \
  UNROLL_CELL_CODE(DECLARE, C<double>, C<double>)
#define UNROLL_EQUATIONS_INSTANCES(DECLARE, A, E)  \
  UNROLL_CELL_CODE(DECLARE, A<E<float>>, E<float>) \
  UNROLL_CELL_CODE(DECLARE, A<E<double>>, E<double>)

}  // namespace unroll::inline UNROLL_ABI
