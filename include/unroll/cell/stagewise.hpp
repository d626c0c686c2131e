// From equations in stages to a cell: the adapter that owns U, b_h, W_r and the per-unit parameters.
#pragma once

#include <array>
#include <cmath>
#include <string_view>

#include <unroll/cell/cell.hpp>
#include <unroll/cell/cell_steps.hpp>
#include <unroll/cell/stages/backward.hpp>
#include <unroll/cell/stages/by_the_book.hpp>
#include <unroll/cell/stages/forward.hpp>

namespace unroll::inline UNROLL_ABI {

/// A Cell of equations in stages (see StagedCell). With recurrent dropout U(g, v) is U_g (m_g * v).
template <class E> class Stagewise {
  using Plan = detail::Stages<E>;
  static constexpr const auto& plan = Plan::plan;
  static_assert(Plan::is_readable,
                "unroll::StagedCell: the compiler cannot run `forward(U, x, prev, next)`, or `forward(p, U, x, prev, "
                "next)` where P > 0: it and what it calls must be constexpr, and functions are of values, not of "
                "numbers alone.");
  static constexpr bool is_sound = !Plan::is_readable || plan.is_sound;
  static_assert(is_sound,
                "unroll::StagedCell: the stages of this cell cannot be run: each gate g has one product U(g, v), of "
                "the state before or of a value that forward computes; a norm is of inputs, of which each is in one, "
                "states and such values; a projection is the next h alone, which equations see through products only.");

 public:
  using Equations = E;
  using Scalar = typename E::Scalar;
  using T = Scalar;
  static constexpr int S = E::S, gates = E::GX, recurrent_gates = E::GU;
  static constexpr std::string_view name = E::name;
  /// Whether a product is of a state after the step.
  static constexpr bool multiplies_next = [] {
    for (std::size_t g = 0; g < static_cast<std::size_t>(plan.group_count); ++g)
      if (plan.output[plan.groups[g].operand] >= 0) return true;
    return false;
  }();
  static constexpr Bias usual_bias = [] {
    if constexpr (requires { E::usual_bias; })
      return E::usual_bias;
    else
      return Bias::dual;
  }();

  Parameter<T> weight_hh;  ///< U (GU H, rows of h)
  Parameter<T> bias_hh;    ///< b_h (GU H), absent without dual bias
  Parameter<T> unit;       ///< per-unit parameters (H, P), absent where the equations have none
  Parameter<T> weight_hr;  ///< W_r (rows of h, H), absent where nothing is projected

  struct Cache {
    std::array<detail::StagedWeights<T>, static_cast<std::size_t>(plan.group_count)> weights;
    Matrix<T> bias;          ///< (GU H)
    Matrix<T> values;        ///< (slots H, N)
    Matrix<T> statistics;    ///< (2 norms, N)
    Matrix<T> du;            ///< (GU H, N), unused where it equals dx
    Matrix<T> d_projection;  ///< (rows of h, N)
    Matrix<T> d_unit;        ///< (P H, B), summed over the steps of each sequence
    Matrix<T> operand;       ///< (H, N)
    MatmulScratch<T> product;
    bool same_weights = false;  ///< as they were packed by the pass before
  };
  static void visit_columns(auto&& f, Cache& cache) {
    f(cache.values), f(cache.statistics), f(cache.du), f(cache.d_projection);
  }

  explicit Stagewise(const E& size) : inputs_(size.inputs), units_(size.units), outputs_(size.outputs) {
    detail::require_size(name, inputs_, "inputs", 0);
    detail::require_size(name, units_, "units", 1);
    detail::require_size(name, outputs_, "outputs", 1);
    require(E::projects || outputs_ == units_, name, ": ", outputs_, " outputs of ", units_,
            " units, expected as many: it projects nothing");
    weight_hh = Matrix<T>::Zero(E::GU * units_, outputs_);
    unit = Matrix<T>::Zero(E::P > 0 ? units_ : 0, E::P);
    weight_hr = Matrix<T>::Zero(E::projects ? outputs_ : 0, E::projects ? units_ : 0);
  }
  void set_bias(Bias bias) { detail::set_bias(bias_hh, bias == Bias::dual, E::GU * units_); }
  void check_parameters() const {
    detail::require_shape(name, "weight_hh", weight_hh, E::GU * units_, outputs_);
    detail::require_bias(name, "bias_hh", bias_hh, E::GU * units_);
    detail::require_shape(name, "weight_unit", unit, E::P > 0 ? units_ : 0, E::P);
    detail::require_shape(name, "weight_hr", weight_hr, E::projects ? outputs_ : 0, E::projects ? units_ : 0);
  }

  Index inputs() const { return inputs_; }
  Index units() const { return units_; }
  Index gate_rows() const { return E::GX * units_; }
  Index state_rows(int s) const { return s == 0 ? outputs_ : units_; }
  Index scratch_rows() const {
    return (std::max)(plan.slot_count, plan.d_slots) * units_ + 2 * plan.norm_count + vector_rows();
  }

  void prepare(Cache& cache, Index columns, bool keep) const {
    for (std::size_t g = 0; g < cache.weights.size() && !cache.same_weights; ++g) {
      const detail::ProductGroup group = plan.groups[g];
      if (group.projects)
        cache.weights[g].pack(weight_hr, 0, outputs_, 1, keep);
      else
        cache.weights[g].pack(weight_hh, group.first * units_, units_, group.gates, keep);
    }
    cache.bias.resize(E::GU * units_, 1);
    if (bias_hh.size() > 0)
      cache.bias = bias_hh;
    else
      cache.bias.setZero();
    cache.values.resize(keep ? plan.slot_count * units_ : 0, columns);
    cache.statistics.resize(keep ? 2 * plan.norm_count : 0, columns);
    cache.du.resize(keep && !plan.same_ports && !plan.du_in_slots ? E::GU * units_ : 0, columns);
    cache.d_projection.resize(keep && E::projects ? outputs_ : 0, columns);
    cache.operand.resize(keep ? (std::max)(units_, outputs_) : 0, columns);
  }

  void step(Pass<T, S>& pass, Cache& cache, const Step& at, StepScratch<T>& scratch) const {
    auto step = step_of(pass, cache, at, scratch);
    step.x = pass.gates.col(at.gates).data();
    detail::dispatch<detail::StagedForwardStep<E>>(step);
  }

  void step_backward(Pass<T, S>& pass, Cache& cache, const Step& at, StateFields<T, S> d,
                     StepScratch<T>& scratch) const {
    auto step = step_of(pass, cache, at, scratch);
    step.x = column(pass.gates, at.at);
    for (std::size_t f = 0; f < S; ++f) step.d[f] = d[f].col(at.column).data();
    step.du = column(cache.du, at.at);
    step.d_projection = column(cache.d_projection, at.at);
    step.parameters_d = column(cache.d_unit, at.column);
    step.d_values = scratch.values.data();
    detail::dispatch<detail::StagedBackwardStep<E>>(step);
  }

  /// dU_g += du_g (m_g * v)^T, db_h += du, dW_r += dh v^T, over these columns.
  void accumulate(Pass<T, S>& pass, Cache& cache, Stagewise& gradient, const Columns& columns) const {
    Matrix<T>& all = plan.same_ports ? pass.gates : plan.du_in_slots ? cache.values : cache.du;
    const auto du = all.middleCols(columns.first, columns.n).topRows(E::GU * units_);
    for (const detail::ProductGroup& group : plan.groups) {
      if (group.gates == 0) break;
      if (group.projects) {
        if (!weight_hr.trainable) continue;
        gather(pass, cache, group, -1, columns, cache.operand);
        matmul(gradient.weight_hr, cache.d_projection.middleCols(columns.first, columns.n), Transpose::no,
               cache.operand, Transpose::yes, Accumulate::yes, cache.product, pass.order);
      } else if (weight_hh.trainable) {
        const int parts = pass.mask.count > 1 ? group.gates : 1;
        const Index rows = group.gates * units_ / parts;
        for (int g = 0; g < parts; ++g) {
          const Index first = (group.first + g) * units_;
          gather(pass, cache, group, group.first + g, columns, cache.operand);
          matmul(gradient.weight_hh.middleRows(first, rows), du.middleRows(first, rows), Transpose::no, cache.operand,
                 Transpose::yes, Accumulate::yes, cache.product, pass.order);
        }
      }
    }
    if (bias_hh.size() > 0 && bias_hh.trainable) add_row_sums(du, gradient.bias_hh.data(), pass.order);
  }
  /// The gradients of parameters per unit are added up over the steps of each sequence, which is less memory than one
  /// for each step and the same order for any number of threads.
  void open_sums(Cache& cache, Index batch) const {
    cache.d_unit.resize(E::P * units_, batch);
    cache.d_unit.setZero();
  }
  void close_sums(Cache& cache, Stagewise& gradient) const {
    if (E::P > 0 && unit.trainable) add_row_sums(cache.d_unit, gradient.unit.data());
  }

  void initialize(Rng rng, const Scheme& scheme) {
    const Fan fan{outputs_, weight_hh.rows(), 1 / std::sqrt(static_cast<double>(units_))};
    fill(weight_hh, scheme.recurrent, fan, rng.child(0));
    fill(bias_hh, scheme.bias, fan, rng.child(1));
    if (E::projects) fill(weight_hr, scheme.dense, Fan{units_, outputs_, fan.bound}, rng.child(2));
    const Rng of_units = rng.child(E::projects ? 3 : 2);
    if constexpr (requires { E::initialize_units(unit, of_units); })
      E::initialize_units(unit, of_units);
    else if constexpr (requires { E::initial_parameter; })
      for (int p = 0; p < E::P; ++p) unit.col(p).setConstant(static_cast<T>(E::initial_parameter[std::size_t(p)]));
    else
      fill(unit, Initializer::uniform, fan, of_units);
    if constexpr (requires { E::forget_parameter; })
      unit.col(E::forget_parameter).array() += static_cast<T>(scheme.forget_bias);
  }

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("weight_hh", Kind::weight), self.weight_hh...);
    f(at.leaf("bias_hh", Kind::bias), self.bias_hh...);
    f(at.leaf("weight_unit", Kind::unit), self.unit...);
    if constexpr (E::projects) f(at.leaf("weight_hr", Kind::weight), self.weight_hr...);
  }

 private:
  static T* column(Matrix<T>& m, Index j) { return m.rows() > 0 ? m.data() + j * m.rows() : nullptr; }

  Index vector_rows() const { return E::GU * (std::max)(units_, outputs_); }

  /// What both directions see. Scratch holds the gradients of slots, or the slots themselves where no backward follows;
  /// then the norms and the masked vectors.
  detail::StagedStep<E> step_of(Pass<T, S>& pass, Cache& cache, const Step& at, StepScratch<T>& scratch) const {
    const Index kept = (pass.keep ? plan.d_slots : plan.slot_count) * units_, norms = 2 * plan.norm_count;
    const Index vectors = pass.mask.count > 0 ? vector_rows() : 0;
    scratch.values.resize(kept + norms + vectors, at.n);
    T* room = scratch.values.data();
    detail::StagedStep<E> step{.units = units_,
                               .outputs = outputs_,
                               .columns = at.n,
                               .weights = cache.weights.data(),
                               .bias = cache.bias.data(),
                               .parameters = unit.data(),
                               .x = nullptr,
                               .prev = {},
                               .next = {},
                               .values = pass.keep ? column(cache.values, at.at) : room,
                               .statistics = pass.keep ? column(cache.statistics, at.at) : room + kept * at.n};
    for (std::size_t f = 0; f < S; ++f) {
      step.prev[f] = pass.states[f].col(at.in).data();
      step.next[f] = pass.states[f].col(at.out).data();
    }
    for (int g = 0; g < E::GU && pass.mask.count > 0; ++g)
      step.mask[static_cast<std::size_t>(g)] = pass.mask.gate(g)->col(at.column).data();
    step.mask_per_gate = pass.mask.count > 1;
    step.masked = room + (kept + norms) * at.n;
    step.keep = pass.keep;
    return step;
  }

  /// The vectors of a group's products over these columns, with gate g's mask; of a projection g is -1.
  void gather(Pass<T, S>& pass, Cache& cache, const detail::ProductGroup& group, int g, const Columns& columns,
              Matrix<T>& to) const {
    const std::size_t k = group.operand;
    if (k == Plan::prev_at) return gather_operand(pass, g, columns, to);
    const Matrix<T>* mask = g < 0 ? nullptr : pass.mask.gate(g);
    const bool is_state = k < Plan::inputs || plan.output[k] >= 0;
    const auto field = k < Plan::inputs ? k - Plan::prev_at : static_cast<std::size_t>((std::max)(plan.output[k], 0));
    to.resize(is_state ? state_rows(static_cast<int>(field)) : units_, columns.n);
    for_each_step(pass.steps, columns, [&](const Step& s, Index skipped, Index at, Index n) {
      if (is_state)
        to.middleCols(at, n) = pass.states[field].middleCols((k < Plan::inputs ? s.in : s.out) + skipped, n);
      else
        to.middleCols(at, n) = cache.values.middleRows(plan.slot[k] * units_, units_).middleCols(s.at + skipped, n);
      if (mask != nullptr) to.middleCols(at, n).array() *= mask->middleCols(s.column + skipped, n).array();
    });
  }

  Index inputs_, units_, outputs_;
};

}  // namespace unroll::inline UNROLL_ABI
