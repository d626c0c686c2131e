// Bodies of network/run.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <vector>

#include <unroll/core/finite.hpp>
#include <unroll/core/random.hpp>
#include <unroll/network/layer_run.hpp>
#include <unroll/network/run.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION Matrix<double> run_test_input(const Network& network, Index most) {
  if (network.takes_tokens()) {
    const auto& tokens = network.test.tokens;
    const std::vector<std::int32_t> first(tokens.begin(), tokens.begin() + (std::min<Index>)(std::ssize(tokens), most));
    return run_layers(network, row_of(first));
  }
  const Matrix<double> x = network.test.input.leftCols((std::min)(network.test.input.cols(), most)).cast<double>();
  Matrix<double> y = run_layers(network, x);
  if (network.skip) y += x.topRows(y.rows());
  return y;
}

UNROLL_FUNCTION void check_sound_test(const Network& network) {
  if (network.test.empty()) return;
  constexpr Index most = 1024;
  const Matrix<double> got = is_causal(network) ? run_test_input(network, most) : run_test_input(network);
  const Matrix<double> expected = network.test.output.leftCols(got.cols()).cast<double>();
  const double largest = expected.cwiseAbs().maxCoeff();
  for (Index t = 0; t < got.cols(); ++t)
    for (Index i = 0; i < got.rows(); ++i)
      require<FormatError>(
          has_finite_bits(got(i, t)) && std::abs(got(i, t) - expected(i, t)) <= test_tolerance * largest,
          network.source, ": the network does not give its test vector: output ", i, " at step ", t, " is ", got(i, t),
          ", expected ", expected(i, t), " to ", test_tolerance, " of the largest, ", largest);
}

}  // namespace detail

UNROLL_FUNCTION Matrix<double> run_network(const Network& network, const Matrix<double>& input) {
  const Index inputs = network.inputs();
  require(!network.takes_tokens(), "run_network: the network takes token ids");
  require(input.rows() == inputs && input.cols() > 0, "run_network: input is ", input.rows(), " x ", input.cols(),
          ", expected ", inputs, " rows and at least one step");
  const Matrix<double> x = network.input_gain * input;
  Matrix<double> y = detail::run_layers(network, x);
  if (network.skip) y += x.topRows(y.rows());
  return network.output_gain * y;
}

UNROLL_FUNCTION void check_test(const Network& network) {
  if (network.test.empty()) return;
  validate(network);
  detail::check_sound_test(network);
}

UNROLL_FUNCTION void add_test(Network& network, Index steps) {
  require(steps > 0, "add_test: ", steps, " steps, expected at least 1");
  validate(network);
  if (!network.test.empty()) return;
  const Index inputs = network.inputs();
  Rng rng(1);
  if (network.takes_tokens()) {
    const Index V = describe_layer(network.layers.front()).tokens();
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
