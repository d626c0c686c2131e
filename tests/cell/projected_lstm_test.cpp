#include <algorithm>
#include <filesystem>

#include <doctest/doctest.h>

#include <unroll/cell/projected_lstm.hpp>
#include <unroll/io/state_dict.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/network/model.hpp>
#include <unroll/network/run.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/sequences.hpp"

using namespace unroll;

namespace {

// D = 3, H = 5, P = 2.
template <class Layer> void check(Layer layer, const GradientCheckOptions& options) {
  randomize(layer, Rng(3));
  const auto report = check_gradient(layer, random_sequences<double>(3, ragged_lengths(), 6), options);
  INFO(layer.describe() << ": " << report.str());
  CHECK(report.passed());
}

}  // namespace

TEST_CASE("backward is the gradient of a projected LSTM: every bias, direction and dropout") {
  for (const Bias bias : {Bias::none, Bias::single, Bias::dual})
    for (const bool reverse : {false, true})
      for (RecurrentOptions options :
           {RecurrentOptions{}, RecurrentOptions{.input_dropout = 0.3, .recurrent_dropout = 0.4},
            RecurrentOptions{.recurrent_dropout = 0.4, .per_gate = true}}) {
        options.bias = bias;
        options.reverse = reverse;
        const Recurrent layer(ProjectedLstm<double>{3, 5, 2}, options);
        check(layer, {.context = {.training = true, .seed = 9}});
        check(FinalState(layer), {.context = {.training = true, .seed = 9}});
      }
  check(Recurrent(ProjectedLstm<double>{3, 5, 2}, {.learned_initial_state = true}), {.initial_state = false});
}

TEST_CASE("a projected LSTM gives what nn.LSTM with proj_size computed") {
  const auto folder = std::filesystem::path(UNROLL_TEST_DATA) / "io";
  Stack model{Recurrent{ProjectedLstm<double>{2, 4, 3}}};
  load_state_dict(folder / "pytorch_lstm_projected.safetensors", model);
  const auto file = read_safetensors(folder / "pytorch.safetensors");
  const Matrix<double> values = file.matrix<double>("pytorch_lstm_projected.x").transpose();
  const Matrix<double> y = file.matrix<double>("pytorch_lstm_projected.y").transpose();
  const std::vector<Index> lengths{values.cols()};
  const PackedSequence<double> input{values, Packing::from_lengths(lengths, lengths[0])};
  CacheFor<decltype(model), PackedSequence<double>> cache;
  const auto& got = model.forward({.gradients = false}, input, cache).values;
  REQUIRE(got.rows() == 3);
  CHECK((got - y).cwiseAbs().maxCoeff() <= 1e-12);

  const auto path = std::filesystem::temp_directory_path() / "unroll_projected_lstm.safetensors";
  save_state_dict(path, model, {.dtype = Dtype::f32});
  const auto back = read_safetensors(path), from = read_safetensors(folder / "pytorch_lstm_projected.safetensors");
  CHECK(back.tensors.size() == 5);
  for (const auto& [name, tensor] : from.tensors) {
    CAPTURE(name);
    CHECK(back.tensor(name).shape == tensor.shape);
    CHECK(std::ranges::equal(back.tensor(name).bytes, tensor.bytes));
  }
  std::filesystem::remove(path);
}

TEST_CASE("a projected LSTM is a kind: by the book it gives what the layer gives, with states to start from") {
  Sequential model{Recurrent{ProjectedLstm<double>{3, 5, 2}, {.learned_initial_state = true}}};
  randomize(model, Rng(5));
  Network network = network_of(model);
  assign(network, model);  // rounded to float
  const auto x = random_sequences<double>(3, {7}, 7);
  CacheFor<decltype(model), PackedSequence<double>> cache;
  const Matrix<double> y = model.forward(Context{}, x, cache).values;
  CHECK((run_network(network, x.values) - y).cwiseAbs().maxCoeff() <= 1e-12);
}

TEST_CASE("the state of a projected LSTM has the output's rows in h and the units' in c") {
  const Recurrent layer{ProjectedLstm{3, 5, 2}};
  CHECK(layer.describe() == "Recurrent<ProjectedLstm> 3 -> 2");
  CacheFor<std::remove_const_t<decltype(layer)>, PackedSequence<float>> cache;
  RecurrentState<float, 2> state;
  layer.forward({.gradients = false}, random_sequences<float>(3, ragged_lengths(), 6), cache, {nullptr, &state});
  CHECK(state.fields[0].rows() == 2);
  CHECK(state.fields[1].rows() == 5);
  CHECK_THROWS_AS((ProjectedLstm{3, 5, 0}), std::invalid_argument);
}
