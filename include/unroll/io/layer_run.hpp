// Layers of a network computed by the book, in double. In matrices of the library's own: memory of Eigen's must not be
// allocated by one unit and freed by another that is compiled with other flags.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include <unroll/core/matrix.hpp>
#include <unroll/io/network.hpp>

namespace unroll::inline UNROLL_ABI::detail {

inline double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// to = m x, of a column vector, as Eigen does it without memory of its own.
template <class M> void multiply(const M& m, const double* x, double* to) {
  Eigen::Map<Eigen::VectorXd>(to, m.rows()).noalias() = m * Eigen::Map<const Eigen::VectorXd>(x, m.cols());
}

/// One step of a cell for the pre-activations a = W x + b: h and c become those after it. U (G H, H), b_h (G H), room
/// for U h (G H).
inline void step_cell(CellKind cell, const Matrix<double>& U, const double* b, const double* a, double* u, double* h,
                      double* c) {
  const Index H = U.cols();
  if (cell == CellKind::gru_reset_before) {
    const auto gate = [&](Index g, Index k) { return a[g * H + k] + (u[g * H + k] + b[g * H + k]); };
    multiply(U.topRows(2 * H), h, u);
    double* const z = u + H;
    double* const reset = u;  // r * h, in the place of U_r h
    for (Index k = 0; k < H; ++k) {
      const double r = logistic(gate(0, k));
      z[k] = logistic(gate(1, k));
      reset[k] = r * h[k];
    }
    double* const product = u + 2 * H;
    multiply(U.bottomRows(H), reset, product);
    for (Index k = 0; k < H; ++k) {
      const double n = std::tanh(a[2 * H + k] + product[k] + b[2 * H + k]);
      h[k] = n + z[k] * (h[k] - n);
    }
    return;
  }
  multiply(U, h, u);
  for (Index k = 0; k < U.rows(); ++k) u[k] += b[k];
  const auto gate = [&](Index g, Index k) { return a[g * H + k] + u[g * H + k]; };
  for (Index k = 0; k < H; ++k) {
    if (cell == CellKind::lstm) {
      c[k] = logistic(gate(1, k)) * c[k] + logistic(gate(0, k)) * std::tanh(gate(2, k));
      h[k] = logistic(gate(3, k)) * std::tanh(c[k]);
    } else if (cell == CellKind::gru) {
      const double r = logistic(gate(0, k)), n = std::tanh(a[2 * H + k] + r * u[2 * H + k]);
      h[k] = n + logistic(gate(1, k)) * (h[k] - n);
    } else {
      h[k] = cell == CellKind::rnn_tanh ? std::tanh(gate(0, k)) : (std::max)(gate(0, k), 0.0);
    }
  }
}

/// W x + b of every column; b may be absent.
inline Matrix<double> affine(const Matrix<float>& weight, const Matrix<float>& bias, const Matrix<double>& x) {
  const Matrix<double> W = weight.cast<double>();
  Matrix<double> y(W.rows(), x.cols());
  for (Index t = 0; t < x.cols(); ++t) {
    multiply(W, x.col(t).data(), y.col(t).data());
    for (Index k = 0; k < bias.size(); ++k) y(k, t) += static_cast<double>(bias.data()[k]);
  }
  return y;
}
/// (n, 1), zeros where it is absent.
inline Matrix<double> column_or_zeros(const Matrix<float>& m, Index n) {
  Matrix<double> column(n, 1);
  column.setZero();
  if (m.size() > 0) column = m.cast<double>();
  return column;
}

inline Matrix<double> run_recurrent(const RecurrentLayer& w, const Matrix<double>& x, bool reverse, bool final_state) {
  const Index H = w.units();
  const Matrix<double> U = w.weight_hh.cast<double>();
  const Matrix<double> b = column_or_zeros(w.bias_hh, U.rows()), a = affine(w.weight_ih, w.bias_ih, x);
  Matrix<double> u(U.rows(), 1), h = column_or_zeros(w.initial_h, H), c = column_or_zeros(w.initial_c, H);
  Matrix<double> y(H, final_state ? 1 : x.cols());
  for (Index k = 0; k < x.cols(); ++k) {
    const Index t = reverse ? x.cols() - 1 - k : k;
    step_cell(w.cell, U, b.data(), a.col(t).data(), u.data(), h.data(), c.data());
    if (!final_state) y.col(t) = h;
  }
  if (final_state) y.col(0) = h;
  return y;
}

inline Matrix<double> merge_runs(Merge how, const Matrix<double>& a, const Matrix<double>& b) {
  Matrix<double> y(how == Merge::concat ? a.rows() + b.rows() : a.rows(), a.cols());
  if (how == Merge::concat) {
    y.topRows(a.rows()) = a;
    y.bottomRows(b.rows()) = b;
  } else if (how == Merge::product) {
    y = a.cwiseProduct(b);
  } else {
    y = a + b;
    if (how == Merge::average) y /= 2;
  }
  return y;
}

struct LayerRun {
  const Matrix<double>& x;

  Matrix<double> operator()(const RecurrentLayer& w) const { return run_recurrent(w, x, w.reverse, w.final_state); }
  Matrix<double> operator()(const BidirectionalLayer& w) const {
    return merge_runs(w.merge, run_recurrent(w.forward, x, false, w.final_state),
                      run_recurrent(w.reverse, x, true, w.final_state));
  }
  Matrix<double> operator()(const DenseLayer& w) const { return affine(w.weight, w.bias, x); }
  Matrix<double> operator()(const ActivationLayer& w) const {
    Matrix<double> y = x;
    for (Index j = 0; j < y.cols(); ++j) {
      for (Index i = 0; i < y.rows(); ++i) y(i, j) = apply(w, y(i, j), i);
      if (w.function == ActivationKind::softmax) {
        y.col(j) = (y.col(j).array() - y.col(j).maxCoeff()).exp();
        y.col(j) /= y.col(j).sum();
      }
    }
    return y;
  }
  Matrix<double> operator()(const EmbeddingLayer&) const { return x; }

 private:
  static double apply(const ActivationLayer& w, double v, Index i) {
    switch (w.function) {
      case ActivationKind::tanh:
        return std::tanh(v);
      case ActivationKind::relu:
        return (std::max)(v, 0.0);
      case ActivationKind::sigmoid:
        return logistic(v);
      case ActivationKind::elu:
        return v > 0 ? v : double(w.alpha) * std::expm1(v);
      case ActivationKind::prelu:
        return v > 0 ? v : double(w.slope(i, 0)) * v;
      case ActivationKind::softmax:
        break;
    }
    return v;
  }
};

/// The layers alone, from `first` on.
inline Matrix<double> run_layers(const Network& network, Matrix<double> x, std::size_t first = 0) {
  for (std::size_t k = first; k < network.layers.size(); ++k) x = std::visit(LayerRun{x}, network.layers[k]);
  return x;
}
/// Of an embedding: its columns for these ids, which must be in it.
inline Matrix<double> look_up(const EmbeddingLayer& w, const std::vector<std::int32_t>& tokens) {
  Matrix<double> x(w.weight.rows(), static_cast<Index>(tokens.size()));
  for (std::size_t t = 0; t < tokens.size(); ++t) x.col(static_cast<Index>(t)) = w.weight.col(tokens[t]).cast<double>();
  return x;
}
/// Whether a step's output is of the steps so far alone.
inline bool is_causal(const Network& network) {
  return std::ranges::none_of(network.layers, [](const NetworkLayer& layer) {
    const auto* w = std::get_if<RecurrentLayer>(&layer);
    return std::holds_alternative<BidirectionalLayer>(layer) || (w != nullptr && (w->reverse || w->final_state));
  });
}

}  // namespace unroll::inline UNROLL_ABI::detail
