// What a good C++ programmer writes with Eigen alone: the baseline beside which the library's layers are measured.
// Equal lengths, one product W X for all steps, noalias, array expressions, no temporaries in the loop, products over
// all steps for the gradients. Sizes as in the library: D inputs, H units, B sequences, T steps; column t * B + b.
#pragma once

#include <Eigen/Dense>

namespace plain_eigen {

using Eigen::Index;
using Matrix = Eigen::MatrixXf;

struct Weights {
  Matrix W, U;             // (G H, D), (G H, H)
  Eigen::VectorXf b, b_h;  // (G H)
};

template <int G> struct Layer {
  Index H, B, T;
  Weights w, d;             // parameters and their gradient
  Matrix a, h, dh, da, dx;  // (G H, T B), (H, (T + 1) B), (H, B), (G H, T B), (D, T B)

  Layer(const Weights& weights, Index batch, Index steps)
      : H(weights.U.cols()), B(batch), T(steps), w(weights), d(weights) {
    h.setZero(H, (T + 1) * B);
    dh.resize(H, B);
    a.resize(G * H, T * B);
    da.resize(G * H, T * B);
    dx.resize(w.W.cols(), T * B);
  }
  auto gate(Matrix& m, int g, Index t) { return m.block(g * H, t * B, H, B).array(); }
  auto state(Matrix& m, Index block) { return m.middleCols(block * B, B).array(); }
  void project(const Matrix& x) {
    a.noalias() = w.W * x;
    a.colwise() += w.b;
  }
  void accumulate(const Matrix& x, const Matrix& du) {
    d.W.noalias() = da * x.transpose();
    d.U.noalias() = du * h.leftCols(T * B).transpose();
    d.b = da.rowwise().sum();
    d.b_h = du.rowwise().sum();
    dx.noalias() = w.W.transpose() * da;
  }
};

struct Rnn : Layer<1> {
  using Layer::Layer;
  void forward(const Matrix& x) {
    project(x);
    for (Index t = 0; t < T; ++t) {
      auto at = a.middleCols(t * B, B);
      at.noalias() += w.U * h.middleCols(t * B, B);
      at.colwise() += w.b_h;
      state(h, t + 1) = at.array().tanh();
    }
  }
  void backward(const Matrix& x, const Matrix& dy) {
    dh.setZero();
    for (Index t = T; t-- > 0;) {
      dh += dy.middleCols(t * B, B);
      gate(da, 0, t) = dh.array() * (1 - state(h, t + 1).square());
      dh.noalias() = w.U.transpose() * da.middleCols(t * B, B);
    }
    accumulate(x, da);
  }
};

struct Lstm : Layer<4> {
  Matrix c, tanh_c, dc;
  Lstm(const Weights& weights, Index batch, Index steps) : Layer(weights, batch, steps) {
    c.setZero(H, (T + 1) * B);
    tanh_c.resize(H, T * B);
    dc.resize(H, B);
  }
  void forward(const Matrix& x) {
    project(x);
    for (Index t = 0; t < T; ++t) {
      auto at = a.middleCols(t * B, B);
      at.noalias() += w.U * h.middleCols(t * B, B);
      at.colwise() += w.b_h;
      auto i = gate(a, 0, t), f = gate(a, 1, t), g = gate(a, 2, t), o = gate(a, 3, t);
      at.topRows(2 * H).array() = at.topRows(2 * H).array().logistic();
      g = g.tanh();
      o = o.logistic();
      state(c, t + 1) = f * state(c, t) + i * g;
      state(tanh_c, t) = state(c, t + 1).tanh();
      state(h, t + 1) = o * state(tanh_c, t);
    }
  }
  void backward(const Matrix& x, const Matrix& dy) {
    dh.setZero();
    dc.setZero();
    for (Index t = T; t-- > 0;) {
      auto i = gate(a, 0, t), f = gate(a, 1, t), g = gate(a, 2, t), o = gate(a, 3, t);
      auto tc = state(tanh_c, t);
      dh += dy.middleCols(t * B, B);
      dc.array() += dh.array() * o * (1 - tc.square());
      gate(da, 0, t) = dc.array() * g * i * (1 - i);
      gate(da, 1, t) = dc.array() * state(c, t) * f * (1 - f);
      gate(da, 2, t) = dc.array() * i * (1 - g.square());
      gate(da, 3, t) = dh.array() * tc * o * (1 - o);
      dc.array() *= f;
      dh.noalias() = w.U.transpose() * da.middleCols(t * B, B);
    }
    accumulate(x, da);
  }
};

struct Gru : Layer<3> {
  Matrix u, du;
  Gru(const Weights& weights, Index batch, Index steps) : Layer(weights, batch, steps) {
    u.resize(3 * H, T * B);
    du.resize(3 * H, T * B);
  }
  void forward(const Matrix& x) {
    project(x);
    for (Index t = 0; t < T; ++t) {
      auto at = a.middleCols(t * B, B), ut = u.middleCols(t * B, B);
      ut.noalias() = w.U * h.middleCols(t * B, B);
      ut.colwise() += w.b_h;
      auto r = gate(a, 0, t), z = gate(a, 1, t), n = gate(a, 2, t);
      at.topRows(2 * H).array() = (at.topRows(2 * H) + ut.topRows(2 * H)).array().logistic();
      n = (n + r * gate(u, 2, t)).tanh();
      state(h, t + 1) = n + z * (state(h, t) - n);
    }
  }
  void backward(const Matrix& x, const Matrix& dy) {
    dh.setZero();
    for (Index t = T; t-- > 0;) {
      auto r = gate(a, 0, t), z = gate(a, 1, t), n = gate(a, 2, t);
      dh += dy.middleCols(t * B, B);
      gate(da, 2, t) = dh.array() * (1 - z) * (1 - n.square());
      gate(da, 1, t) = dh.array() * (state(h, t) - n) * z * (1 - z);
      gate(da, 0, t) = gate(da, 2, t) * gate(u, 2, t) * r * (1 - r);
      du.block(0, t * B, 2 * H, B) = da.block(0, t * B, 2 * H, B);
      gate(du, 2, t) = gate(da, 2, t) * r;
      dh.array() *= z;
      dh.noalias() += w.U.transpose() * du.middleCols(t * B, B);
    }
    accumulate(x, du);
  }
};

/// With one bias, as the library's has where nothing else is asked for.
struct GruResetBefore : Layer<3> {
  Matrix reset_h, dv;
  GruResetBefore(const Weights& weights, Index batch, Index steps) : Layer(weights, batch, steps) {
    reset_h.resize(H, T * B);
    dv.resize(H, B);
  }
  void forward(const Matrix& x) {
    project(x);
    for (Index t = 0; t < T; ++t) {
      auto at = a.middleCols(t * B, B);
      auto r = gate(a, 0, t), z = gate(a, 1, t), n = gate(a, 2, t);
      at.topRows(2 * H).noalias() += w.U.topRows(2 * H) * h.middleCols(t * B, B);
      at.topRows(2 * H).array() = at.topRows(2 * H).array().logistic();
      state(reset_h, t) = r * state(h, t);
      at.bottomRows(H).noalias() += w.U.bottomRows(H) * reset_h.middleCols(t * B, B);
      n = n.tanh();
      state(h, t + 1) = n + z * (state(h, t) - n);
    }
  }
  void backward(const Matrix& x, const Matrix& dy) {
    dh.setZero();
    for (Index t = T; t-- > 0;) {
      auto r = gate(a, 0, t), z = gate(a, 1, t), n = gate(a, 2, t);
      dh += dy.middleCols(t * B, B);
      gate(da, 2, t) = dh.array() * (1 - z) * (1 - n.square());
      gate(da, 1, t) = dh.array() * (state(h, t) - n) * z * (1 - z);
      dv.noalias() = w.U.bottomRows(H).transpose() * da.block(2 * H, t * B, H, B);
      gate(da, 0, t) = dv.array() * state(h, t) * r * (1 - r);
      dh.array() = dh.array() * z + dv.array() * r;
      dh.noalias() += w.U.topRows(2 * H).transpose() * da.block(0, t * B, 2 * H, B);
    }
    accumulate(x, da);
    d.U.bottomRows(H).noalias() = da.bottomRows(H) * reset_h.transpose();
  }
};

/// The cell of cell_throughput.cpp that the library does not have.
struct MinimalGated : Layer<2> {
  Matrix u, du;
  MinimalGated(const Weights& weights, Index batch, Index steps) : Layer(weights, batch, steps) {
    u.resize(2 * H, T * B);
    du.resize(2 * H, T * B);
  }
  void forward(const Matrix& x) {
    project(x);
    for (Index t = 0; t < T; ++t) {
      auto ut = u.middleCols(t * B, B);
      ut.noalias() = w.U * h.middleCols(t * B, B);
      ut.colwise() += w.b_h;
      auto f = gate(a, 0, t), n = gate(a, 1, t);
      f = (f + gate(u, 0, t)).logistic();
      n = (n + f * gate(u, 1, t)).tanh();
      state(h, t + 1) = state(h, t) + f * (n - state(h, t));
    }
  }
  void backward(const Matrix& x, const Matrix& dy) {
    dh.setZero();
    for (Index t = T; t-- > 0;) {
      auto f = gate(a, 0, t), n = gate(a, 1, t);
      dh += dy.middleCols(t * B, B);
      gate(da, 1, t) = dh.array() * f * (1 - n.square());
      gate(da, 0, t) = (dh.array() * (n - state(h, t)) + gate(da, 1, t) * gate(u, 1, t)) * f * (1 - f);
      gate(du, 0, t) = gate(da, 0, t);
      gate(du, 1, t) = gate(da, 1, t) * f;
      dh.array() *= 1 - f;
      dh.noalias() += w.U.transpose() * du.middleCols(t * B, B);
    }
    accumulate(x, du);
  }
};

}  // namespace plain_eigen
