// The library's cells and the peephole LSTM as one writes them for Derived: under their names, without a backward.
#pragma once

#include <unroll/cell/pointwise_cell.hpp>

template <class T, int GATES, int STATES, int UNIT = 0> struct CellOf : unroll::CellSize<T> {
  using unroll::CellSize<T>::CellSize;
  static constexpr int GX = GATES, GU = GATES, S = STATES, P = UNIT;
};
template <class T> struct RnnEquations : CellOf<T, 1, 1> {
  using CellOf<T, 1, 1>::CellOf;
  static constexpr std::string_view name = "Rnn";
  static constexpr void forward(const auto& x, const auto& u, const auto&, auto& next) { next[0] = tanh(x[0] + u[0]); }
};
template <class T> struct ReluRnnEquations : CellOf<T, 1, 1> {
  using CellOf<T, 1, 1>::CellOf;
  static constexpr std::string_view name = "ReluRnn";
  static constexpr void forward(const auto& x, const auto& u, const auto&, auto& next) { next[0] = relu(u[0] + x[0]); }
};
template <class T> struct LstmEquations : CellOf<T, 4, 2> {
  using CellOf<T, 4, 2>::CellOf;
  static constexpr int forget_gate = 1;
  static constexpr std::string_view name = "Lstm";
  static constexpr void forward(const auto& x, const auto& u, const auto& prev, auto& next) {
    const auto i = sigmoid(x[0] + u[0]), f = sigmoid(x[1] + u[1]), g = tanh(x[2] + u[2]), o = sigmoid(x[3] + u[3]);
    const auto c = f * prev[1] + i * g;
    next = {o * tanh(c), c};
  }
};
template <class T> struct GruEquations : CellOf<T, 3, 1> {
  using CellOf<T, 3, 1>::CellOf;
  static constexpr std::string_view name = "Gru";
  static constexpr void forward(const auto& x, const auto& u, const auto& prev, auto& next) {
    const auto r = sigmoid(x[0] + u[0]), z = sigmoid(x[1] + u[1]), n = tanh(x[2] + r * u[2]);
    next[0] = n + z * (prev[0] - n);
  }
};
template <class T> struct PeepholeEquations : CellOf<T, 4, 2, 3> {
  using CellOf<T, 4, 2, 3>::CellOf;
  static constexpr std::string_view name = "PeepholeLstm";
  static constexpr void forward(const auto& p, const auto& x, const auto& u, const auto& prev, auto& next) {
    const auto i = sigmoid(x[0] + u[0] + p[0] * prev[1]), f = sigmoid(x[1] + u[1] + p[1] * prev[1]);
    const auto c = f * prev[1] + i * tanh(x[2] + u[2]);
    const auto o = sigmoid(x[3] + u[3] + p[2] * c);
    next = {o * tanh(c), c};
  }
};
