// The gated recurrent unit, reset before the product: two products in a row, so not pointwise but a cell of its own.
#pragma once

#include <unroll/cell/cell.hpp>
#include <unroll/cell/cell_steps.hpp>
#include <unroll/cell/pointwise.hpp>
#include <unroll/kind/by_the_book.hpp>

namespace unroll::inline UNROLL_ABI {

/// Cho et al. 2014 as first published; keras GRU with reset_after=False, ONNX with linear_before_reset=0. Gates r z n:
///   r = sigmoid(W_r x + b_r + U_r h_{t-1})
///   z = sigmoid(W_z x + b_z + U_z h_{t-1})
///   n = tanh   (W_n x + b_n + U_n (r * h_{t-1}))      the reset acts before the product
///   h_t = n + z * (h_{t-1} - n)
/// With dual bias b_h is added where b is; unless asked for, there is one, as in Keras. With recurrent dropout the
/// products see m * h, z * h the bare h.
template <class T = float> class GruResetBefore {
 public:
  using Scalar = T;
  static constexpr int S = 1, gates = 3;
  static constexpr Bias usual_bias = Bias::single;  ///< as in Keras
  static constexpr std::string_view name = "GruResetBefore", kind = "gru_reset_before",
                                    header = "stream/gru_reset_before.hpp";

  Parameter<T> weight_hh;  ///< U (3 H, H)
  Parameter<T> bias_hh;    ///< (3 H), absent without dual bias

  struct Cache {
    Matrix<T> values;   ///< r z n (3 H, N)
    Matrix<T> reset_h;  ///< r * m * h (H, N)
    Matrix<T> operand;
    MatmulScratch<T> product;
  };

  static void visit_columns(auto&& f, Cache& cache) { f(cache.values), f(cache.reset_h); }

  GruResetBefore(Index D, Index H) : inputs_(D), units_(H) {
    detail::require_size(name, D, "inputs", 0);
    detail::require_size(name, H, "units", 1);
    weight_hh = Matrix<T>::Zero(3 * H, H);
  }
  void set_bias(Bias bias) { detail::set_bias(bias_hh, bias == Bias::dual, 3 * units_); }
  void check_parameters() const {
    detail::require_shape(name, "weight_hh", weight_hh, 3 * units_, units_);
    detail::require_bias(name, "bias_hh", bias_hh, 3 * units_);
  }

  Index inputs() const { return inputs_; }
  Index units() const { return units_; }
  Index gate_rows() const { return 3 * units_; }
  Index state_rows(int) const { return units_; }

  void prepare(Cache& cache, Index columns, bool) const {
    cache.values.resize(3 * units_, columns);
    cache.reset_h.resize(units_, columns);
    cache.operand.resize(units_, columns);
  }

  void step(Pass<T, 1>& pass, Cache& cache, const Step& at, StepScratch<T>& scratch) const {
    const Index H = units_;
    const auto h_prev = pass.states[0].middleCols(at.in, at.n);
    auto a = cache.values.middleCols(at.at, at.n);
    a = pass.gates.middleCols(at.gates, at.n);
    if (bias_hh.size() > 0) a.colwise() += bias_hh.col(0);
    auto r = a.middleRows(0, H), z = a.middleRows(H, H), n = a.middleRows(2 * H, H);
    for (int g = 0; g < 2; ++g)
      matmul(a.middleRows(g * H, H), weight_hh.middleRows(g * H, H), Transpose::no, masked(pass, g, at, scratch.values),
             Transpose::no, Accumulate::yes, scratch.product);
    apply(a.topRows(2 * H), [](Value<T> v) { return sigmoid(v); });
    auto reset_h = cache.reset_h.middleCols(at.at, at.n);
    reset_h = r.cwiseProduct(masked(pass, 2, at, scratch.values));
    matmul(n, weight_hh.middleRows(2 * H, H), Transpose::no, reset_h, Transpose::no, Accumulate::yes, scratch.product);
    apply(n, [](Value<T> v) { return tanh(v); });
    pass.states[0].middleCols(at.out, at.n) = n + z.cwiseProduct(h_prev - n);
  }

  void step_backward(Pass<T, 1>& pass, Cache& cache, const Step& at, StateFields<T, 1> d,
                     StepScratch<T>& scratch) const {
    const Index H = units_;
    const auto h_prev = pass.states[0].middleCols(at.in, at.n).array();
    const auto r = cache.values.middleCols(at.at, at.n).middleRows(0, H).array();
    const auto z = cache.values.middleCols(at.at, at.n).middleRows(H, H).array();
    const auto n = cache.values.middleCols(at.at, at.n).middleRows(2 * H, H).array();
    auto da = pass.gates.middleCols(at.at, at.n);
    auto da_r = da.middleRows(0, H), da_z = da.middleRows(H, H), da_n = da.middleRows(2 * H, H);
    auto dh = d[0].middleCols(at.column, at.n);  // d_next, becomes d_prev
    da_n.array() = dh.array() * (1 - z) * (1 - n.square());
    da_z.array() = dh.array() * (h_prev - n) * z * (1 - z);
    dh.array() *= z;
    Matrix<T>& back = scratch.values;
    back.resize(H, at.n);
    matmul(back, weight_hh.middleRows(2 * H, H), Transpose::yes, da_n, Transpose::no, Accumulate::no,
           scratch.product);  // d(r * m * h)
    scale(back, pass.mask.gate(2), at);
    da_r.array() = back.array() * h_prev * r * (1 - r);
    dh.array() += back.array() * r;
    for (int g = 0; g < 2; ++g) {
      matmul(back, weight_hh.middleRows(g * H, H), Transpose::yes, da.middleRows(g * H, H), Transpose::no,
             Accumulate::no, scratch.product);
      scale(back, pass.mask.gate(g), at);
      dh += back;
    }
  }

  void accumulate(Pass<T, 1>& pass, Cache& cache, GruResetBefore& gradient, const Columns& columns) const {
    const auto da = pass.gates.middleCols(columns.first, columns.n);
    const auto add_product = [&](int g, const auto& operand) {
      matmul(gradient.weight_hh.middleRows(g * units_, units_), da.middleRows(g * units_, units_), Transpose::no,
             operand, Transpose::yes, Accumulate::yes, cache.product, pass.order);
    };
    if (weight_hh.trainable) {
      for (int g = 0; g < 2; ++g) {
        gather_operand(pass, g, columns, cache.operand);
        add_product(g, cache.operand);
      }
      add_product(2, cache.reset_h.middleCols(columns.first, columns.n));
    }
    if (bias_hh.size() > 0 && bias_hh.trainable) add_row_sums(da, gradient.bias_hh.data(), pass.order);
  }

  void initialize(Rng rng, const Scheme& scheme) {
    const Fan fan{units_, weight_hh.rows(), 1 / std::sqrt(static_cast<double>(units_))};
    fill(weight_hh, scheme.recurrent, fan, rng.child(0));
    fill(bias_hh, scheme.bias, fan, rng.child(1));
  }

  /// The same equations for one column, in double.
  static void reference_step(const ReferenceStep& s);

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("weight_hh", Kind::weight), self.weight_hh...);
    f(at.leaf("bias_hh", Kind::bias), self.bias_hh...);
  }

 private:
  static const Matrix<T>& masked(Pass<T, 1>& pass, int g, const Step& at, Matrix<T>& scratch) {
    scratch = pass.states[0].middleCols(at.in, at.n);
    scale(scratch, pass.mask.gate(g), at);
    return scratch;
  }
  static void scale(Matrix<T>& m, const Matrix<T>* mask, const Step& at) {
    if (mask != nullptr) m.array() *= mask->middleCols(at.column, at.n).array();
  }
  template <class Block, class F> static void apply(Block block, F f) {
    for (Index j = 0; j < block.cols(); ++j)
      for (Index i = 0; i < block.rows(); ++i) f(Value<T>(block(i, j))).store(&block(i, j));
  }

  Index inputs_, units_;
};
GruResetBefore(Index, Index) -> GruResetBefore<>;

template <class T> void GruResetBefore<T>::reference_step(const ReferenceStep& s) {
  const Index H = s.units;
  s.multiply(0, 2, s.state);
  double *const r = s.u, *const z = s.u + H, *const n = s.u + 2 * H;
  for (Index k = 0; k < H; ++k) {
    r[k] = sigmoid(Value<double>(s.x[k] + r[k]))[0] * s.state[k];  // r * h
    z[k] = sigmoid(Value<double>(s.x[H + k] + z[k]))[0];
  }
  s.multiply(2, 1, r);
  for (Index k = 0; k < H; ++k) {
    const double candidate = tanh(Value<double>(s.x[2 * H + k] + n[k]))[0];
    s.state[k] = candidate + z[k] * (s.state[k] - candidate);
  }
}

#if !UNROLL_HEADER_ONLY
UNROLL_CELL_INSTANCES(extern template, GruResetBefore)
#endif

}  // namespace unroll::inline UNROLL_ABI
