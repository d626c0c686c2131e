// From equations to a cell: the adapter that owns U, b_h and the per-unit parameters, and calls the fused kernel.
#pragma once

#include <unroll/cell/cell.hpp>
#include <unroll/cell/pointwise_cell.hpp>
#include <unroll/kernel/matmul.hpp>
#include <unroll/kernel/recurrent_step.hpp>

namespace unroll::inline UNROLL_ABI {

template <PointwiseCell E> class Pointwise {
 public:
  using Equations = E;
  using Scalar = typename E::Scalar;
  using T = Scalar;
  static constexpr int S = E::S, gates = E::GX, recurrent_gates = E::GU;
  static constexpr Bias usual_bias = E::GU > 0 ? Bias::dual : Bias::single;
  static constexpr std::string_view name = E::name;

  Parameter<T> weight_hh;  ///< U (GU H, H)
  Parameter<T> bias_hh;    ///< b_h (GU H), absent without dual bias
  Parameter<T> unit;       ///< per-unit parameters (H, P), absent where the equations have none

  struct Cache {
    RecurrentWeights<T> weights;
    Matrix<T> values;   ///< (C H, N) what the equations want to see again and does not fit in place of the gates
    Matrix<T> du;       ///< (GU H, N), unused where it equals dx
    Matrix<T> d_unit;   ///< (P H, N)
    Matrix<T> operand;  ///< (H, N)
    MatmulScratch<T> product;
    bool same_weights = false;  ///< as they were packed by the pass before
  };

  static void visit_columns(auto&& f, Cache& cache) { f(cache.values), f(cache.du), f(cache.d_unit); }

  explicit Pointwise(const E& size) : inputs_(size.inputs), units_(size.units) {
    detail::require_size(name, inputs_, "inputs", 0);
    detail::require_size(name, units_, "units", 1);
    weight_hh = Matrix<T>::Zero(E::GU * units_, E::GU > 0 ? units_ : 0);
    unit = Matrix<T>::Zero(E::P > 0 ? units_ : 0, E::P);
  }
  void set_bias(Bias bias) { detail::set_bias(bias_hh, bias == Bias::dual, E::GU * units_); }
  void check_parameters() const {
    detail::require_shape(name, "weight_hh", weight_hh, E::GU * units_, E::GU > 0 ? units_ : 0);
    detail::require_bias(name, "bias_hh", bias_hh, E::GU * units_);
    detail::require_shape(name, "weight_unit", unit, E::P > 0 ? units_ : 0, E::P);
  }

  Index inputs() const { return inputs_; }
  Index units() const { return units_; }
  Index gate_rows() const { return E::GX * units_; }
  Index state_rows(int) const { return units_; }

  void prepare(Cache& cache, Index columns, bool keep) const {
    if (!cache.same_weights) cache.weights.pack(weight_hh, units_, E::GU, keep);
    cache.values.resize(keep ? (E::C - kept_in_place<E>)*units_ : 0, columns);
    cache.du.resize(keep && !E::same_ports ? E::GU * units_ : 0, columns);
    cache.d_unit.resize(keep ? E::P * units_ : 0, columns);
    cache.operand.resize(keep ? units_ : 0, columns);  // memory that is not touched costs nothing
  }

  void step(Pass<T, S>& pass, Cache& cache, const Step& at, StepScratch<T>& scratch) const {
    StepForward<E> step{.units = units_,
                        .columns = at.n,
                        .weights = &cache.weights,
                        .bias = bias_hh.size() > 0 ? bias_hh.data() : nullptr,
                        .parameters = unit.data(),
                        .x = pass.gates.col(at.gates).data(),
                        .h = {},
                        .prev = {},
                        .next = {},
                        .keep = pass.keep ? 1 : 0,
                        .cache = column(cache.values, at.at)};
    for (std::size_t f = 0; f < S; ++f) {
      step.prev[f] = pass.states[f].col(at.in).data();
      step.next[f] = pass.states[f].col(at.out).data();
    }
    step.h.fill(step.prev[0]);
    if (pass.mask.count > 0) {  // the product sees m * h; the equations see h
      scratch.values.resize(units_, pass.mask.count * at.n);
      for (int g = 0; g < pass.mask.count; ++g)
        scratch.values.middleCols(g * at.n, at.n) =
            pass.states[0].middleCols(at.in, at.n).cwiseProduct(pass.mask.gate(g)->middleCols(at.column, at.n));
      for (std::size_t g = 0; g < step.h.size(); ++g)
        step.h[g] = scratch.values.data() + (pass.mask.count == 1 ? 0 : static_cast<Index>(g) * at.n * units_);
    }
    recurrent_step(step);
  }

  void step_backward(Pass<T, S>& pass, Cache& cache, const Step& at, StateFields<T, S> d, StepScratch<T>&) const {
    StepBackward<E> step{.units = units_,
                         .columns = at.n,
                         .weights = &cache.weights,
                         .parameters = unit.data(),
                         .prev = {},
                         .next = {},
                         .cache = column(cache.values, at.at),
                         .mask = {},
                         .mask_per_gate = pass.mask.count > 1,
                         .d = {},
                         .dx = column(pass.gates, at.at),
                         .du = column(d_recurrent(pass, cache), at.at),
                         .parameters_d = column(cache.d_unit, at.at)};
    for (std::size_t f = 0; f < S; ++f) {
      step.prev[f] = pass.states[f].col(at.in).data();
      step.next[f] = pass.states[f].col(at.out).data();
      step.d[f] = d[f].col(at.column).data();
    }
    if (pass.mask.count > 0)
      for (int g = 0; g < E::GU; ++g) step.mask[std::size_t(g)] = pass.mask.gate(g)->col(at.column).data();
    recurrent_step_backward(step);
  }

  /// dU += du h_{t-1}^T, db_h += du, over these columns.
  void accumulate(Pass<T, S>& pass, Cache& cache, Pointwise& gradient, const Columns& columns) const {
    const auto du = d_recurrent(pass, cache).middleCols(columns.first, columns.n);
    if (E::GU > 0 && weight_hh.trainable) {
      const int groups = (std::max)(pass.mask.count, 1);
      const Index rows = E::GU * units_ / groups;
      for (int g = 0; g < groups; ++g) {
        gather_operand(pass, g, columns, cache.operand);
        if (E::same_ports && groups == 1 && pass.packed != nullptr)
          matmul(gradient.weight_hh, *pass.packed, cache.operand, Transpose::yes, Accumulate::yes, cache.product);
        else
          matmul(gradient.weight_hh.middleRows(g * rows, rows), du.middleRows(g * rows, rows), Transpose::no,
                 cache.operand, Transpose::yes, Accumulate::yes, cache.product, pass.order);
      }
    }
    if (bias_hh.size() > 0 && bias_hh.trainable) add_row_sums(du, gradient.bias_hh.data(), pass.order);
    if (E::P > 0 && unit.trainable)
      add_row_sums(cache.d_unit.middleCols(columns.first, columns.n), gradient.unit.data(), pass.order);
  }

  void initialize(Rng rng, const Scheme& scheme) {
    const Fan fan{units_, weight_hh.rows(), 1 / std::sqrt(static_cast<double>(units_))};
    fill(weight_hh, scheme.recurrent, fan, rng.child(0));
    fill(bias_hh, scheme.bias, fan, rng.child(1));
    if constexpr (requires { E::initial_range; }) {
      const auto [low, high] = E::initial_range;
      fill(unit, Initializer::uniform_within((high - low) / 2), fan, rng.child(2));
      unit.array() += static_cast<T>((low + high) / 2);
    } else {
      fill(unit, Initializer::uniform, fan, rng.child(2));
    }
    if constexpr (requires { E::initial_parameter; })
      for (int p = 0; p < E::P; ++p) unit.col(p).setConstant(static_cast<T>(E::initial_parameter[std::size_t(p)]));
  }

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("weight_hh", Kind::weight), self.weight_hh...);
    f(at.leaf("bias_hh", Kind::bias), self.bias_hh...);
    f(at.leaf("weight_unit", Kind::unit), self.unit...);
  }

 private:
  static T* column(Matrix<T>& m, Index j) { return m.rows() > 0 ? m.data() + j * m.rows() : nullptr; }
  static Matrix<T>& d_recurrent(Pass<T, S>& pass, Cache& cache) { return E::same_ports ? pass.gates : cache.du; }

  Index inputs_, units_;
};

}  // namespace unroll::inline UNROLL_ABI
