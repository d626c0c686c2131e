// The LSTM whose output is a projection of its hidden units: a second product, so not pointwise but a cell of its own.
#pragma once

#include <array>
#include <cmath>
#include <string_view>

#include <unroll/cell/cell.hpp>
#include <unroll/cell/cell_steps.hpp>
#include <unroll/cell/pointwise.hpp>

namespace unroll::inline UNROLL_ABI {

/// Sak, Senior and Beaufays 2014; nn.LSTM(proj_size=P). H units, an output and a recurrence of P < H values:
///   i = sigmoid(W_i x + b_i + U_i r_{t-1})    f, o likewise
///   g = tanh   (W_g x + b_g + U_g r_{t-1})
///   c_t = f * c_{t-1} + i * g                 (H)
///   r_t = W_r (o * tanh(c_t))                 (P), the layer's output
/// With dual bias b_h is added where b is. With recurrent dropout the products see m * r.
template <class T = float> class ProjectedLstm {
 public:
  using Scalar = T;
  static constexpr int S = 2, gates = 4;
  static constexpr Index forget_gate = 1;
  static constexpr std::string_view name = "ProjectedLstm";

  Parameter<T> weight_hh;  ///< U (4 H, P)
  Parameter<T> bias_hh;    ///< (4 H), absent without dual bias
  Parameter<T> weight_hr;  ///< W_r (P, H)

  struct Cache {
    Matrix<T> values;   ///< i f g o (4 H, N)
    Matrix<T> tanh_c;   ///< (H, N)
    Matrix<T> hidden;   ///< o * tanh(c) (H, N)
    Matrix<T> d_out;    ///< gradient of r_t (P, N)
    Matrix<T> operand;  ///< (P, columns)
    MatmulScratch<T> product;
  };

  static void visit_columns(auto&& f, Cache& cache) {
    f(cache.values), f(cache.tanh_c), f(cache.hidden), f(cache.d_out);
  }

  /// D inputs, H units, P outputs.
  ProjectedLstm(Index D, Index H, Index P) : inputs_(D), units_(H), outputs_(P) {
    detail::require_size(name, D, "inputs", 0);
    detail::require_size(name, H, "units", 1);
    detail::require_size(name, P, "outputs", 1);
    weight_hh = Matrix<T>::Zero(4 * H, P);
    weight_hr = Matrix<T>::Zero(P, H);
  }
  void set_bias(Bias bias) { detail::set_bias(bias_hh, bias == Bias::dual, 4 * units_); }
  void check_parameters() const {
    detail::require_shape(name, "weight_hh", weight_hh, 4 * units_, outputs_);
    detail::require_bias(name, "bias_hh", bias_hh, 4 * units_);
    detail::require_shape(name, "weight_hr", weight_hr, outputs_, units_);
  }

  Index inputs() const { return inputs_; }
  Index units() const { return units_; }
  Index gate_rows() const { return 4 * units_; }
  Index state_rows(int s) const { return s == 0 ? outputs_ : units_; }

  void prepare(Cache& cache, Index columns, bool) const {
    cache.values.resize(4 * units_, columns);
    cache.tanh_c.resize(units_, columns);
    cache.hidden.resize(units_, columns);
    cache.d_out.resize(weight_hr.rows(), columns);
    cache.operand.resize(weight_hr.rows(), columns);
  }

  void step(Pass<T, 2>& pass, Cache& cache, const Step& at, StepScratch<T>& scratch) const {
    const Index H = units_;
    auto a = cache.values.middleCols(at.at, at.n);
    a = pass.gates.middleCols(at.gates, at.n);
    if (bias_hh.size() > 0) a.colwise() += bias_hh.col(0);
    for_each_group(pass, [&](int g, Index first, Index rows) {
      scratch.values = pass.states[0].middleCols(at.in, at.n);
      scale(scratch.values, pass.mask.gate(g), at);
      matmul(a.middleRows(first, rows), weight_hh.middleRows(first, rows), Transpose::no, scratch.values, Transpose::no,
             Accumulate::yes, scratch.product);
    });
    const auto c_prev = pass.states[1].middleCols(at.in, at.n);
    auto c = pass.states[1].middleCols(at.out, at.n);
    auto tanh_c = cache.tanh_c.middleCols(at.at, at.n), hidden = cache.hidden.middleCols(at.at, at.n);
    for (Index j = 0; j < at.n; ++j)
      for (Index k = 0; k < H; ++k) {
        const Value<T> i = sigmoid(Value<T>(a(k, j))), f = sigmoid(Value<T>(a(H + k, j)));
        const Value<T> g = tanh(Value<T>(a(2 * H + k, j))), o = sigmoid(Value<T>(a(3 * H + k, j)));
        const Value<T> c_next = f * Value<T>(c_prev(k, j)) + i * g, tanh_next = tanh(c_next);
        i.store(&a(k, j));
        f.store(&a(H + k, j));
        g.store(&a(2 * H + k, j));
        o.store(&a(3 * H + k, j));
        c_next.store(&c(k, j));
        tanh_next.store(&tanh_c(k, j));
        (o * tanh_next).store(&hidden(k, j));
      }
    matmul(pass.states[0].middleCols(at.out, at.n), weight_hr, Transpose::no, hidden, Transpose::no, Accumulate::no,
           scratch.product);
  }

  void step_backward(Pass<T, 2>& pass, Cache& cache, const Step& at, StateFields<T, 2> d,
                     StepScratch<T>& scratch) const {
    const Index H = units_;
    const auto a = cache.values.middleCols(at.at, at.n).array();
    const auto i = a.middleRows(0, H), f = a.middleRows(H, H), g = a.middleRows(2 * H, H), o = a.middleRows(3 * H, H);
    const auto tanh_c = cache.tanh_c.middleCols(at.at, at.n).array();
    const auto c_prev = pass.states[1].middleCols(at.in, at.n).array();
    auto da = pass.gates.middleCols(at.at, at.n);
    auto dr = d[0].middleCols(at.column, at.n), dc = d[1].middleCols(at.column, at.n);  // d_next, become d_prev
    cache.d_out.middleCols(at.at, at.n) = dr;
    Matrix<T>& back = scratch.values;
    back.resize(H, at.n);
    matmul(back, weight_hr, Transpose::yes, dr, Transpose::no, Accumulate::no, scratch.product);  // d(o * tanh(c))
    const auto dh = back.array();
    dc.array() += dh * o * (1 - tanh_c.square());
    da.middleRows(0, H).array() = dc.array() * g * i * (1 - i);
    da.middleRows(H, H).array() = dc.array() * c_prev * f * (1 - f);
    da.middleRows(2 * H, H).array() = dc.array() * i * (1 - g.square());
    da.middleRows(3 * H, H).array() = dh * tanh_c * o * (1 - o);
    dc.array() *= f;
    dr.setZero();
    back.resize(weight_hh.cols(), at.n);
    for_each_group(pass, [&](int k, Index first, Index rows) {
      matmul(back, weight_hh.middleRows(first, rows), Transpose::yes, da.middleRows(first, rows), Transpose::no,
             Accumulate::no, scratch.product);
      scale(back, pass.mask.gate(k), at);
      dr += back;
    });
  }

  void accumulate(Pass<T, 2>& pass, Cache& cache, ProjectedLstm& gradient, const Columns& columns) const {
    const auto da = pass.gates.middleCols(columns.first, columns.n);
    if (weight_hh.trainable)
      for_each_group(pass, [&](int g, Index first, Index rows) {
        gather_operand(pass, g, columns, cache.operand);
        matmul(gradient.weight_hh.middleRows(first, rows), da.middleRows(first, rows), Transpose::no, cache.operand,
               Transpose::yes, Accumulate::yes, cache.product, pass.order);
      });
    if (weight_hr.trainable)
      matmul(gradient.weight_hr, cache.d_out.middleCols(columns.first, columns.n), Transpose::no,
             cache.hidden.middleCols(columns.first, columns.n), Transpose::yes, Accumulate::yes, cache.product,
             pass.order);
    if (bias_hh.size() > 0 && bias_hh.trainable) add_row_sums(da, gradient.bias_hh.data(), pass.order);
  }

  void initialize(Rng rng, const Scheme& scheme) {
    const double bound = 1 / std::sqrt(static_cast<double>(units_));
    fill(weight_hh, scheme.recurrent, Fan{weight_hh.cols(), weight_hh.rows(), bound}, rng.child(0));
    fill(bias_hh, scheme.bias, Fan{weight_hh.cols(), weight_hh.rows(), bound}, rng.child(1));
    fill(weight_hr, scheme.dense, Fan{weight_hr.cols(), weight_hr.rows(), bound}, rng.child(2));
  }

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("weight_hh", Kind::weight), self.weight_hh...);
    f(at.leaf("bias_hh", Kind::bias), self.bias_hh...);
    f(at.leaf("weight_hr", Kind::weight), self.weight_hr...);
  }

 private:
  /// f(mask, first row, rows): all gates at once, or one by one where each has a mask of its own.
  template <class F> void for_each_group(const Pass<T, 2>& pass, const F& f) const {
    const int groups = pass.mask.count > 1 ? gates : 1;
    const Index rows = 4 * units_ / groups;
    for (int g = 0; g < groups; ++g) f(g, g * rows, rows);
  }
  static void scale(Matrix<T>& m, const Matrix<T>* mask, const Step& at) {
    if (mask != nullptr) m.array() *= mask->middleCols(at.column, at.n).array();
  }

  Index inputs_, units_, outputs_;
};
ProjectedLstm(Index, Index, Index) -> ProjectedLstm<>;

#if !UNROLL_HEADER_ONLY
UNROLL_CELL_INSTANCES(extern template, ProjectedLstm)
#endif

}  // namespace unroll::inline UNROLL_ABI
