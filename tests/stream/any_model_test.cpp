#include <doctest/doctest.h>

#include <unroll/file/safetensors.hpp>
#include <unroll/format/load_network.hpp>
#include <unroll/network/library_kinds.hpp>
#include <unroll/network/model.hpp>
#include <unroll/network/run.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/stream/compiled_units.hpp>

#include "reference.hpp"

using namespace unroll;

namespace {

using Units = stream::CompiledUnits<8, 20, 64>;  // the usual ones take longer to compile

Matrix<float> random_matrix_of(Index rows, Index cols, std::uint64_t seed) {
  const auto values = random_values(rows * cols, seed, 1 / std::sqrt(double(std::max<Index>(cols, 4))));
  return Eigen::Map<const Eigen::MatrixXf>(values.data(), rows, cols);
}
NetworkLayer random_layer(const LayerKind* cell, Index D, Index H) {
  const Index G = describe_layer({cell}).gates;
  NetworkLayer w{cell};
  w.tensors["weight_ih"] = random_matrix_of(G * H, D, 1);
  w.tensors["weight_hh"] = random_matrix_of(G * H, H, 2);
  w.tensors["bias_ih"] = random_matrix_of(G * H, 1, 3);
  w.tensors["bias_hh"] = random_matrix_of(G * H, 1, 4);
  w.tensors["initial_h"] = random_matrix_of(H, 1, 5);
  if (cell == &layer_kind<LstmKind>) w.tensors["initial_c"] = random_matrix_of(H, 1, 6);
  return w;
}
NetworkLayer random_dense(Index in, Index out) {
  return {&layer_kind<DenseKind>, {{"weight", random_matrix_of(out, in, 7)}, {"bias", random_matrix_of(out, 1, 8)}}};
}

Network network_of(std::vector<NetworkLayer> layers) {
  Network network;
  network.layers = std::move(layers);
  return network;
}

void check_streams(const Network& network, bool compiled) {
  const Index in = network.inputs(), out = network.outputs(), steps = 80;
  Matrix<double> x(in, steps);
  const auto samples = random_values(in * steps, 11);
  std::copy(samples.begin(), samples.end(), x.data());
  const Matrix<double> expected = run_network(network, x);
  stream::AnyModel model(network, Units());
  CHECK(model.is_compiled() == (compiled && (simd_level() >= SimdLevel::avx2 || !UNROLL_HAS_X86_LEVELS)));
  std::vector<float> y(static_cast<std::size_t>(out * steps));
  model.process(samples, y);
  const double largest = expected.cwiseAbs().maxCoeff();
  CHECK(largest_difference(y, std::span(expected.data(), y.size())) <= 1e-6 * largest);
  const auto whole = y;
  model.reset();
  model.process(std::span(samples).first(static_cast<std::size_t>(7 * in)), y);
  const auto state = model.snapshot();
  model.process(std::span(samples).subspan(static_cast<std::size_t>(7 * in)),
                std::span(y).subspan(std::size_t(7 * out)));
  CHECK(y == whole);
  model.restore(state);
  model.process(std::span(samples).subspan(static_cast<std::size_t>(7 * in)),
                std::span(y).subspan(std::size_t(7 * out)));
  CHECK(y == whole);
}

}  // namespace

TEST_CASE("any model gives what its network gives: sizes that are compiled, and all others") {
  for (const LayerKind* cell : {&layer_kind<LstmKind>, &layer_kind<GruKind>})
    for (const Index H : {8, 20, 64, 10, 37, 100}) {
      CAPTURE(cell->name);
      CAPTURE(H);
      Network network = network_of({random_layer(cell, 1, H), random_dense(H, 1)});
      network.skip = H < 30;
      network.input_gain = 0.7;
      network.output_gain = 1.5;
      check_streams(network, H == 8 || H == 20 || H == 64);
    }
}

TEST_CASE("any model gives what its network gives: every cell, stacks, activations") {
  for (const LayerKind* cell :
       {&layer_kind<RnnKind>, &layer_kind<ReluRnnKind>, &layer_kind<GruResetBeforeKind>, &layer_kind<LstmKind>})
    check_streams(
        network_of({random_layer(cell, 3, 11), random_layer(&layer_kind<GruKind>, 11, 18), random_dense(18, 6)}),
        false);
  NetworkLayer prelu{&layer_kind<PReluKind>};
  prelu.tensors["slope"] = random_matrix_of(7, 1, 9);
  Network network = network_of({random_layer(&layer_kind<GruKind>, 2, 5)});
  for (const LayerKind* f : {&layer_kind<TanhKind>, &layer_kind<ReluKind>, &layer_kind<SigmoidKind>,
                             &layer_kind<EluKind>, &layer_kind<SoftmaxKind>}) {
    network.layers.push_back(random_dense(network.outputs(), 20 - network.outputs()));
    network.layers.push_back({f});
    if (is_kind<EluKind>(network.layers.back())) network.layers.back().options["alpha"] = 0.5;
  }
  network.layers.push_back(random_dense(network.outputs(), 7));
  network.layers.push_back(prelu);
  check_streams(network, false);
}

TEST_CASE("a file of another program streams to its own test vector") {
  const auto folder = std::filesystem::path(UNROLL_TEST_DATA) / "io";
  int with_test = 0;
  for (const char* name : {"rtneural_aidax.json", "rtneural_lstm.json", "rtneural_gru.json", "guitarml_lstm.json",
                           "guitarml_gru.json", "nam_lstm.nam", "nam_stereo.nam"}) {
    CAPTURE(name);
    const Network network = load_network(folder / name);
    check_streams(network, stream::AnyModel(network, Units()).is_compiled());
    if (network.test.empty()) continue;
    ++with_test;
    Network bare = network;
    bare.input_gain = bare.output_gain = 1;
    stream::AnyModel model(bare, Units());
    std::vector<float> y(static_cast<std::size_t>(network.test.output.size()));
    model.process(std::span(network.test.input.data(), std::size_t(network.test.input.size())), y);
    CHECK(largest_difference(y, std::span(network.test.output.data(), y.size())) <=
          1e-4 * double(network.test.output.cwiseAbs().maxCoeff()));
  }
  CHECK(with_test > 0);
}

TEST_CASE("a file of another program streams, in float, to what its framework computed") {
  const auto folder = std::filesystem::path(UNROLL_TEST_DATA) / "io";
  for (const auto& [framework, name, ending] :
       std::vector<std::array<std::string, 3>>{{"keras", "rtneural_lstm", ".json"},
                                               {"keras", "rtneural_gru", ".json"},
                                               {"keras", "rtneural_aidax", ".json"},
                                               {"keras", "keras_stack", ".safetensors"},
                                               {"pytorch", "guitarml_lstm", ".json"},
                                               {"pytorch", "guitarml_gru", ".json"},
                                               {"pytorch", "guitarml_rnn", ".json"},
                                               {"pytorch", "nam_lstm", ".nam"},
                                               {"pytorch", "nam_stereo", ".nam"},
                                               {"onnx", "onnx_stack", ".safetensors"}}) {
    CAPTURE(name);
    stream::AnyModel model(load_network(folder / (name + ending)), Units());
    const SafeTensors file = read_safetensors(folder / (framework + ".safetensors"));
    const auto x = file.elements<float>(name + ".x");
    const auto expected = file.elements<double>(name + ".y");
    std::vector<float> y(expected.size());
    model.process(x, y);
    const double largest = std::abs(*std::ranges::max_element(expected, {}, [](double v) { return std::abs(v); }));
    CHECK(largest_difference(y, expected) <= 2e-6 * largest);
  }
}

TEST_CASE("what reads its sequence from the end is refused") {
  Network network = network_of({random_layer(&layer_kind<LstmKind>, 1, 4)});
  network.layers[0].options["reverse"] = true;
  CHECK_THROWS_WITH(stream::AnyModel(network, Units()),
                    "stream::AnyModel: a layer runs from the end of a sequence, which a stream has not seen");
  network.layers = {
      NetworkLayer{&layer_kind<BidirectionalKind>,
                   {},
                   {},
                   {random_layer(&layer_kind<LstmKind>, 1, 4), random_layer(&layer_kind<LstmKind>, 1, 4)}}};
  CHECK_THROWS_WITH(stream::AnyModel(network, Units()),
                    "stream::AnyModel: a bidirectional layer cannot stream: it reads its sequence from the end, too");
}

TEST_CASE("token ids stream through an embedding") {
  Network network = network_of({NetworkLayer{&layer_kind<EmbeddingKind>, {{"weight", random_matrix_of(6, 30, 1)}}},
                                random_layer(&layer_kind<GruKind>, 6, 9), random_dense(9, 2)});
  add_test(network);
  stream::AnyModel model(network, Units());
  std::vector<float> y(static_cast<std::size_t>(network.test.output.size()));
  model.process(network.test.tokens, y);
  CHECK(largest_difference(y, std::span(network.test.output.data(), y.size())) < 1e-6);
  const std::vector<std::int32_t> unknown{30, -1};
  model.process(unknown, y);
  CHECK(std::isfinite(y[0]));
}
