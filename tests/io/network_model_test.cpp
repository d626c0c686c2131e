#include <doctest/doctest.h>

#include <unroll/cell/derived.hpp>
#include <unroll/cell/projected_lstm.hpp>
#include <unroll/format/guitarml.hpp>
#include <unroll/format/load_network.hpp>
#include <unroll/format/nam.hpp>
#include <unroll/format/network_writer.hpp>
#include <unroll/format/rtneural.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/io/state_dict.hpp>
#include <unroll/layer/activation_penalty.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/network/library_kinds.hpp>
#include <unroll/network/model.hpp>
#include <unroll/network/projections.hpp>
#include <unroll/network/run.hpp>

#include "../support/forward_only.hpp"
#include "networks.hpp"

using namespace unroll;

namespace {

/// A float model's output for the input of a file, one sequence.
template <class M> Matrix<double> run_float(const M& model, const Computed& computed) {
  if constexpr (Accepts<M, TokenBatch>) {
    const std::vector<Index> lengths{static_cast<Index>(computed.ids.size())};
    CacheFor<M, TokenBatch> cache;
    return values(model.forward(Context{.gradients = false},
                                TokenBatch{computed.ids, Packing::from_lengths(lengths, lengths[0])}, cache))
        .template cast<double>();
  } else {
    const std::vector<Index> lengths{computed.x.cols()};
    CacheFor<M, PackedSequence<float>> cache;
    const PackedSequence<float> x{computed.x.cast<float>(), Packing::from_lengths(lengths, lengths[0])};
    return values(model.forward(Context{.gradients = false}, x, cache)).template cast<double>();
  }
}

using Tagger = Sequential<Embedding<float>, Bidirectional<Lstm<float>>, Dense<float>>;
Tagger tagger(Index V, Index D, Index H, Index classes) {
  return Sequential{Embedding{V, D}, Bidirectional{Lstm{D, H}, {.bias = Bias::single}}, Dense{2 * H, classes}};
}
auto amplifier(Index H, bool learned) {
  return Sequential{Recurrent{Lstm{1, H}, {.learned_initial_state = learned}}, Dense{H, 1}};
}

template <class M> std::string refused(const Network& network, M model, AssignOptions options = {}) {
  return message_of<std::invalid_argument>([&] { assign(network, model, options); });
}

}  // namespace

TEST_CASE("a float model with the weights of a file gives what its framework computed") {
  SUBCASE("RTNeural") {
    auto model = amplifier(5, false);
    assign(read_rtneural(io_file("rtneural_lstm.json")), model);
    const Computed computed("keras", "rtneural_lstm");
    CHECK(largest_error(run_float(model, computed), computed.y) <= 2e-6);
  }
  SUBCASE("NAM, with the states it starts from") {
    Sequential model{Stack{Recurrent{Lstm{1, 3}, {.learned_initial_state = true}},
                           Recurrent{Lstm{3, 3}, {.learned_initial_state = true}}},
                     Dense{3, 1}};
    assign(read_nam(io_file("nam_lstm.nam")), model);
    const Computed computed("pytorch", "nam_lstm");
    CHECK(largest_error(run_float(model, computed), computed.y) <= 2e-6);
  }
  SUBCASE("GuitarML, the skip added by the caller") {
    Sequential model{Recurrent{Gru{2, 4}}, Recurrent{Gru{4, 4}}, Dense{4, 1}};
    assign(read_guitarml(io_file("guitarml_gru.json")), model, {.layers_alone = true});
    const Computed computed("pytorch", "guitarml_gru");
    Matrix<double> y = run_float(model, computed);
    y += computed.x.topRows(1);
    CHECK(largest_error(y, computed.y) <= 2e-6);
  }
  SUBCASE("Keras, token ids") {
    Tagger model = tagger(7, 3, 4, 3);
    Network network = load_network(io_file("keras_tagger.safetensors"));
    CHECK(kind_name(network.layers.back()) == "softmax");
    network.layers.pop_back();
    network.test = {};
    assign(network, model);
    const Computed computed("keras", "keras_tagger");
    Matrix<double> y = run_float(model, computed).array().exp();
    for (Index t = 0; t < y.cols(); ++t) y.col(t) /= y.col(t).sum();
    CHECK(largest_error(y, computed.y) <= 2e-6);
  }
}

TEST_CASE("a model describes itself as the network that was assigned to it") {
  const Network network = read_nam(io_file("nam_lstm.nam"));
  Sequential model{Stack{Recurrent{Lstm{1, 3}, {.learned_initial_state = true}},
                         Recurrent{Lstm{3, 3}, {.learned_initial_state = true}}},
                   Dense{3, 1}};
  assign(network, model);
  Network described = network_of(model);
  described.sample_rate = network.sample_rate;
  described.loudness = network.loudness;
  described.metadata = network.metadata;
  check_same_network(network, described);
  static_assert(NetworkModel<decltype(model)>);
  struct Other {};
  static_assert(!NetworkModel<Other>);
}

TEST_CASE("assigning to another model names the layer, and leaves the model as it was") {
  const Network lstm = read_rtneural(io_file("rtneural_lstm.json"));
  const Network with_states = read_nam(io_file("nam_stereo.nam"));
  check_mentions(refused(lstm, amplifier(6, false)),
                 {"assign: layer 0 of ", "rtneural_lstm.json", "weight_ih is 20 x 1, the model's 24 x 1"});
  check_mentions(refused(lstm, Sequential{Recurrent{Gru{1, 5}}, Recurrent{Gru{5, 4}}, Dense{4, 1}}),
                 {"layer 0 of ", "is lstm, the model has Recurrent<Gru> 1 -> 5"});
  check_mentions(refused(read_guitarml(io_file("guitarml_lstm.json")), amplifier(5, false)), {"a skip or gains"});
  check_mentions(refused(with_states, Sequential{Recurrent{Lstm{2, 4}}, Dense{4, 2}}),
                 {"initial_h is 4 x 1, the model's 0 x 0"});
  Network longer = lstm;
  longer.layers.push_back(NetworkLayer{&layer_kind<TanhKind>});
  check_mentions(refused(longer, amplifier(5, false)), {"assign: the network has 3 layers, the model takes 2"});
  Network shorter = lstm;
  shorter.layers.pop_back();
  check_mentions(refused(shorter, amplifier(5, false)), {"there is none, the model has 1 Dense 5 -> 1"});
  Network reversed = lstm;
  reversed.layers[0].options["reverse"] = true;
  check_mentions(refused(reversed, amplifier(5, false)), {"from the last step to the first"});
  Network none = lstm;
  none.layers[0].tensors["bias_ih"] = {};
  check_mentions(refused(none, amplifier(5, false)), {"bias_ih is 0 x 0, the model's 20 x 1"});

  auto model = amplifier(5, false);
  initialize(model, Rng(3));
  const Network before = network_of(model);
  Network half = lstm;
  half.layers[1] = NetworkLayer{&layer_kind<DenseKind>, {{"weight", Matrix<float>::Ones(2, 5)}}};
  refused(half, model);
  CHECK_THROWS(assign(half, model));
  check_same_network(before, network_of(model));
}

TEST_CASE("a network that was saved loads as a network and as a model, and is the same") {
  const TemporaryFolder folder;
  for (const std::string name :
       {"rtneural_lstm.json", "rtneural_aidax.json", "rtneural_gru.json", "guitarml_gru.json", "nam_lstm.nam",
        "keras_stack.safetensors", "keras_last.safetensors", "onnx_stack.safetensors"}) {
    CAPTURE(name);
    const Network network = load_network(io_file(name));
    save_network(folder / "n.safetensors", network);
    const Network again = load_network(folder / "n.safetensors");
    check_same_network(network, again);
    CHECK(again.test.input.cols() == 32);
  }
  save_network(folder / "n.safetensors", read_rtneural(io_file("rtneural_lstm.json")));
  const auto make = [](const ModelInfo& file) { return amplifier(file.size("0.weight_hh_l0", 1), false); };
  CHECK(message_of([&] { load_model(make, folder / "n.safetensors"); }) != "");  // its bias is single
  const auto single = [](const ModelInfo&) {
    return Sequential{Recurrent{Lstm{1, 5}, {.bias = Bias::single}}, Dense{5, 1}};
  };
  auto [model, info] = load_model(single, folder / "n.safetensors");
  const Computed computed("keras", "rtneural_lstm");
  CHECK(largest_error(run_float(model, computed), computed.y) <= 2e-6);
}

TEST_CASE("a model with layers that a network has not is saved with a test vector all the same") {
  const TemporaryFolder folder;
  Sequential model{Recurrent{Derived<GruEquations<float>>{2, 3}}, Dense{3, 1}};
  static_assert(!NetworkModel<decltype(model)>);
  initialize(model, Rng(8));
  save(folder / "m.safetensors", model);
  const auto make = [](const ModelInfo&) {
    return Sequential{Recurrent{Derived<GruEquations<float>>{2, 3}}, Dense{3, 1}};
  };
  CHECK(std::get<1>(load_model(make, folder / "m.safetensors").model.layers).weight ==
        std::get<1>(model.layers).weight);
  SafeTensors file = read_safetensors(folder / "m.safetensors");
  auto output = nlohmann::json::parse(file.metadata.at("unroll.test_output"));
  CHECK(output.size() == 32);
  output[31] = output[31].get<double>() + 0.1;
  file.metadata.at("unroll.test_output") = output.dump();
  check_mentions(message_of([&] { load_model(make, file); }), {"output 31 of the test vector"});
  check_mentions(message_of([&] { load_network(folder / "m.safetensors"); }), {"no metadata 'unroll.network'"});
}

TEST_CASE("an LSTM with a projection is an LSTM and a dense layer where there are no projections") {
  const TemporaryFolder folder;
  Sequential model{Recurrent{ProjectedLstm{2, 4, 3}}};
  load_state_dict(io_file("pytorch_lstm_projected.safetensors"), model, {.names = {{"", "0."}}});
  const Network network = network_of(model), split = split_projections(network);
  CHECK(network.layers.size() == 1);
  CHECK(split.layers.size() == 2);
  const Computed computed("pytorch", "pytorch_lstm_projected");
  CHECK(largest_error(run_network(network, computed.x), computed.y) <= 2e-6);
  CHECK(largest_error(run_network(split, computed.x), computed.y) <= 2e-6);
  save_rtneural(folder / "m.json", network);
  CHECK(largest_error(run_network(read_rtneural(folder / "m.json"), computed.x), computed.y) <= 2e-6);
  const Sequential learned{Recurrent{ProjectedLstm{2, 4, 3}, {.learned_initial_state = true}}};
  check_mentions(message_of<std::invalid_argument>([&] { split_projections(network_of(learned)); }),
                 {"split_projections: layer 0", "has a learned initial state"});
}

TEST_CASE("what the Keras tool wrote loads as a model of the library") {
  const auto make = [](const ModelInfo& file) {
    return tagger(file.size("0.weight", 0), file.size("0.weight", 1), file.size("1.weight_hh_l0", 1),
                  file.size("2.weight", 0));
  };
  // The softmax behind the model has no parameters; the test vector notices that it is missing.
  check_mentions(message_of([&] { load_model(make, io_file("keras_tagger.safetensors")); }), {"test vector"});
}

TEST_CASE("a model that was saved loads as a network, with a test vector of its own") {
  const TemporaryFolder folder;
  Tagger model = tagger(9, 4, 3, 2);
  initialize(model, Rng(5));
  save(folder / "m.safetensors", model);
  const Network network = load_network(folder / "m.safetensors");
  CHECK(network.test.tokens.size() == 32);
  Network described = network_of(model);
  described.test.tokens = {1, 2, 3, 8};
  Network loaded = network;
  loaded.test.tokens = described.test.tokens;
  CHECK(largest_error(detail::run_test_input(loaded), detail::run_test_input(described)) <= 1e-7);
  CHECK(load_model([](const ModelInfo&) { return tagger(9, 4, 3, 2); }, folder / "m.safetensors").info.has("0.weight"));
}

TEST_CASE("stacks, dropout, penalties and final states of a saved model are the network's layers") {
  const TemporaryFolder folder;
  Sequential model{
      Embedding{9, 4},
      Stack{Recurrent{Lstm{4, 3}}, ActivationPenalty{{.temporal = 1}}, Dropout{0.2}, Recurrent{Lstm{3, 5}}},
      Dropout{0.3},
      FinalState{Stack{Bidirectional{Lstm{5, 3}}, Bidirectional{Lstm{6, 2}, {}, Merge::sum}}},
      Dense{2, 2},
      Tanh{}};
  initialize(model, Rng(6));
  save(folder / "m.safetensors", model);
  Network network = load_network(folder / "m.safetensors");
  std::vector<std::string> kinds;
  for (const NetworkLayer& layer : network.layers) kinds.push_back(kind_name(layer));
  CHECK(kinds == std::vector<std::string>{"embedding", "lstm", "lstm", "bidirectional lstm", "bidirectional lstm",
                                          "dense", "tanh"});
  CHECK(network.has_final_state());
  network.test = {};
  network.test.tokens = {1, 2, 3, 8, 4};
  const std::vector<Index> lengths{5};
  CacheFor<decltype(model), TokenBatch> cache;
  const auto& y = model.forward(Context{.gradients = false},
                                TokenBatch{network.test.tokens, Packing::from_lengths(lengths, 5)}, cache);
  CHECK(largest_error(y.cast<double>(), detail::run_test_input(network)) <= 2e-6);
  auto other = model;
  initialize(other, Rng(7));
  network.test = {};
  assign(network, other);
  visit(
      [](const Path& path, const auto& a, const auto& b) {
        CAPTURE(path.str());
        CHECK(a == b);
      },
      model, other);
}
