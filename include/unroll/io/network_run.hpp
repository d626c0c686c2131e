// What a network computes, by the book and in double: the judge of what a file says about itself.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <unroll/core/random.hpp>
#include <unroll/io/network.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

inline double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// One step of a cell for the pre-activations a = W x + b: h and c become those after it. U (G H, H), b_h (G H).
inline void step_cell(CellKind cell, const Eigen::MatrixXd& U, const Eigen::VectorXd& b, const Eigen::VectorXd& a,
                      Eigen::VectorXd& h, Eigen::VectorXd& c) {
  const Index H = U.cols();
  const auto gate = [&](const Eigen::VectorXd& m, Index g) { return m.segment(g * H, H).array(); };
  if (cell == CellKind::gru_reset_before) {
    const Eigen::VectorXd u = U.topRows(2 * H) * h + b.head(2 * H);
    const Eigen::ArrayXd r = (gate(a, 0) + gate(u, 0)).unaryExpr(&logistic);
    const Eigen::ArrayXd z = (gate(a, 1) + gate(u, 1)).unaryExpr(&logistic);
    const Eigen::VectorXd product = U.bottomRows(H) * (r * h.array()).matrix();
    const Eigen::ArrayXd n = (gate(a, 2) + product.array() + gate(b, 2)).tanh();
    h = n + z * (h.array() - n);
    return;
  }
  const Eigen::VectorXd u = U * h + b;
  const auto sigmoid_gate = [&](Index g) { return Eigen::ArrayXd((gate(a, g) + gate(u, g)).unaryExpr(&logistic)); };
  if (cell == CellKind::lstm) {
    const Eigen::ArrayXd i = sigmoid_gate(0), f = sigmoid_gate(1), o = sigmoid_gate(3);
    const Eigen::ArrayXd g = (gate(a, 2) + gate(u, 2)).tanh();
    c = f * c.array() + i * g;
    h = o * c.array().tanh();
  } else if (cell == CellKind::gru) {
    const Eigen::ArrayXd r = sigmoid_gate(0), z = sigmoid_gate(1);
    const Eigen::ArrayXd n = (gate(a, 2) + r * gate(u, 2)).tanh();
    h = n + z * (h.array() - n);
  } else if (cell == CellKind::rnn_tanh) {
    h = (a + u).array().tanh();
  } else {
    h = (a + u).cwiseMax(0.0);
  }
}

inline Matrix<double> run_recurrent(const RecurrentLayer& w, const Matrix<double>& x, bool reverse, bool final_state) {
  const Index H = w.units();
  const Eigen::MatrixXd U = w.weight_hh.cast<double>();
  Eigen::VectorXd b = Eigen::VectorXd::Zero(U.rows());
  if (w.bias_hh.size() > 0) b = w.bias_hh.cast<double>();
  Matrix<double> a = w.weight_ih.cast<double>() * x;
  if (w.bias_ih.size() > 0) a.colwise() += w.bias_ih.cast<double>().col(0);
  Eigen::VectorXd h = Eigen::VectorXd::Zero(H), c = h;
  if (w.initial_h.size() > 0) h = w.initial_h.cast<double>();
  if (w.initial_c.size() > 0) c = w.initial_c.cast<double>();
  Matrix<double> y(H, final_state ? 1 : x.cols());
  for (Index k = 0; k < x.cols(); ++k) {
    const Index t = reverse ? x.cols() - 1 - k : k;
    step_cell(w.cell, U, b, a.col(t), h, c);
    if (!final_state) y.col(t) = h;
  }
  if (final_state) y.col(0) = h;
  return y;
}

struct LayerRun {
  const Matrix<double>& x;

  Matrix<double> operator()(const RecurrentLayer& w) const { return run_recurrent(w, x, w.reverse, w.final_state); }
  Matrix<double> operator()(const BidirectionalLayer& w) const {
    Matrix<double> y;
    merge(w.merge, run_recurrent(w.ahead, x, false, w.final_state), run_recurrent(w.back, x, true, w.final_state), y);
    return y;
  }
  Matrix<double> operator()(const DenseLayer& w) const {
    Matrix<double> y = w.weight.cast<double>() * x;
    if (w.bias.size() > 0) y.colwise() += w.bias.cast<double>().col(0);
    return y;
  }
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
/// From the first steps, at most so many, of the network's own test input, with the skip and without the gains.
inline Matrix<double> run_test_input(const Network& network, Index most = (std::numeric_limits<Index>::max)()) {
  if (network.takes_tokens()) {
    const auto& tokens = network.test.tokens;
    const std::vector<std::int32_t> first(tokens.begin(), tokens.begin() + (std::min<Index>)(std::ssize(tokens), most));
    return run_layers(network, look_up(std::get<EmbeddingLayer>(network.layers.front()), first), 1);
  }
  const Matrix<double> x = network.test.input.leftCols((std::min)(network.test.input.cols(), most)).cast<double>();
  Matrix<double> y = run_layers(network, x);
  if (network.skip) y += x.topRows(y.rows());
  return y;
}

}  // namespace detail

/// The network's output (outputs, steps), or (outputs, 1) with a final state, for an input (inputs, steps) from its
/// initial state, gains and skip included. In double and without haste: for checks, not for audio. Throws
/// std::invalid_argument where network or input are not sound.
inline Matrix<double> run_network(const Network& network, const Matrix<double>& input) {
  const Index inputs = network.inputs();
  require(!network.takes_tokens(), "run_network: the network takes token ids");
  require(input.rows() == inputs && input.cols() > 0, "run_network: input is ", input.rows(), " x ", input.cols(),
          ", expected ", inputs, " rows and at least one step");
  const Matrix<double> x = network.input_gain * input;
  Matrix<double> y = detail::run_layers(network, x);
  if (network.skip) y += x.topRows(y.rows());
  return network.output_gain * y;
}

/// How far an output may be off the test vector's, of its largest: files hold numbers of 6 to 9 digits, and those who
/// wrote them computed in float.
inline constexpr double test_tolerance = 1e-4;

/// Throws FormatError unless the network gives its test vector's output. Without a test vector it holds. Of a longer
/// one the first 1024 steps are run (all, where a layer looks at later ones): a file of many weights and many steps
/// would take the product of the two.
inline void check_test(const Network& network) {
  if (network.test.empty()) return;
  validate(network);
  constexpr Index most = 1024;
  const Matrix<double> got =
      detail::is_causal(network) ? detail::run_test_input(network, most) : detail::run_test_input(network);
  const Matrix<double> expected = network.test.output.leftCols(got.cols()).cast<double>();
  const double largest = expected.cwiseAbs().maxCoeff();
  for (Index t = 0; t < got.cols(); ++t)
    for (Index i = 0; i < got.rows(); ++i)
      require<FormatError>(
          detail::has_finite_bits(got(i, t)) && std::abs(got(i, t) - expected(i, t)) <= test_tolerance * largest,
          network.source, ": the network does not give its test vector: output ", i, " at step ", t, " is ", got(i, t),
          ", expected ", expected(i, t), " to ", test_tolerance, " of the largest, ", largest);
}

/// Gives a network without a test vector one of its own making: `steps` random inputs and what it computes.
inline void add_test(Network& network, Index steps = 32) {
  require(steps > 0, "add_test: ", steps, " steps, expected at least 1");
  validate(network);
  if (!network.test.empty()) return;
  const Index inputs = network.inputs();
  Rng rng(1);
  if (network.takes_tokens()) {
    const Index V = std::get<EmbeddingLayer>(network.layers.front()).weight.cols();
    for (Index t = 0; t < steps; ++t)
      network.test.tokens.push_back(static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(V))));
  } else {
    network.test.input.resize(inputs, steps);
    for (Index k = 0; k < network.test.input.size(); ++k)
      network.test.input.data()[k] = static_cast<float>(rng.below(2001)) / 1000 - 1;
  }
  network.test.output = detail::run_test_input(network).cast<float>();
}

}  // namespace unroll::inline UNROLL_ABI
