// A layer whose kind is known at run time does what the layer with a type does, to the bit: for every kind of the list.
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

#include <unroll/cell/derived.hpp>
#include <unroll/format/load_network.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/loss/mean_squared_error.hpp>
#include <unroll/network/model_of.hpp>
#include <unroll/network/trained_kinds.hpp>
#include <unroll/train/train_step.hpp>

#include "../io/support.hpp"
#include "../support/slow_cell.hpp"
#include "kinds.hpp"

using namespace unroll;

namespace {

template <class T> using Named = std::vector<std::pair<std::string, Matrix<T>>>;

template <class M> auto parameters_of(const M& model) {
  Named<typename M::Scalar> all;
  visit([&](const Path& path, const auto& p) { all.emplace_back(path.str(), p); }, model);
  return all;
}
template <class T, class S> Named<T> fields_of(const S& state) {
  Named<T> all;
  visit_state([&](const Path& path, const Matrix<T>& field) { all.emplace_back(path.str(), field); }, state);
  return all;
}

/// Three steps of Adam, the state carried from each to the next, and the gradient of the input: the same bits.
template <class Typed, class Any, class In> void check_trains_alike(Typed typed, Any any, In x) {
  using T = typename Typed::Scalar;
  CHECK(any.describe() == typed.describe());
  REQUIRE(parameters_of(any) == parameters_of(typed));
  Workspace<Typed, In> typed_work(typed);
  Workspace<Any, In> any_work(any);
  typed_work.cache.want_dx = any_work.cache.want_dx = true;
  Optimizer typed_optimizer(typed, Adam{.rate = 1e-2});
  Optimizer any_optimizer(any, Adam{.rate = 1e-2});
  typename Typed::State typed_state;
  typename Any::State any_state;
  for (std::uint64_t step = 0; step < 3; ++step) {
    const Context context{.training = true, .seed = 3, .step = step};
    const auto& y = typed.forward(context, x, typed_work.cache, {step > 0 ? &typed_state : nullptr, &typed_state});
    const auto target = random_matrix<T>(values(y).rows(), values(y).cols(), step);
    const StepResult expected = add_gradient(typed, MeanSquaredError{}, x, target, typed_work, context, 0,
                                             {step > 0 ? &typed_state : nullptr, &typed_state});
    any.forward(context, x, any_work.cache, {step > 0 ? &any_state : nullptr, &any_state});
    const StepResult got = add_gradient(any, MeanSquaredError{}, x, target, any_work, context, 0,
                                        {step > 0 ? &any_state : nullptr, &any_state});
    CHECK(got.loss == expected.loss);
    CHECK(values(any_work.cache.output()) == values(typed_work.cache.output()));
    CHECK(fields_of<T>(any_state) == fields_of<T>(typed_state));
    CHECK(parameters_of(any_work.gradient) == parameters_of(typed_work.gradient));
    if constexpr (!Tokens<In>) {
      typed.forward(context, x, typed_work.cache);
      any.forward(context, x, any_work.cache);
      auto unused_typed = zeros_like(typed);
      auto unused_any = zeros_like(any);
      CHECK(values(any.backward(x, any_work.d_output, any_work.cache, unused_any)) ==
            values(typed.backward(x, typed_work.d_output, typed_work.cache, unused_typed)));
    }
    apply_gradient(typed, typed_optimizer, typed_work.gradient, {.norm = 0.5}, expected);
    apply_gradient(any, any_optimizer, any_work.gradient, {.norm = 0.5}, got);
    REQUIRE(parameters_of(any) == parameters_of(typed));
  }
}

/// The same weights from the same seed, and the same description.
template <class Typed> void check_starts_alike(Typed typed, AnyLayer<typename Typed::Scalar> any) {
  CHECK(any.describe() == typed.describe());
  initialize(typed, Rng{1});
  initialize(any, Rng{1});
  CHECK(parameters_of(any) == parameters_of(typed));
}

/// A network of two directions of an LSTM and the model with types.
template <class T> auto bidirectional_of(const Network& network) {
  const auto& layer = network.layers.back();
  const Description of = describe_layer(layer);
  const bool has_bias = layer.parts[0].tensor("bias_ih").size() > 0;
  Sequential model{Bidirectional{Lstm<T>(of.inputs, of.outputs / 2),
                                 {.bias = has_bias ? Bias::dual : Bias::none, .learned_initial_state = has_bias}}};
  assign(network, model);
  return model;
}

/// f(network, model with types) for every kind of the list that trains, without and with its optional tensors.
template <class T, class F> void for_each_trained_kind(const F& f) {
  for_each_kind<LibraryKinds>([&]<class K>() {
    for (const bool all : {false, true}) {
      const Network network = network_of_kind<K>(all);
      CAPTURE(K::name);
      CAPTURE(all);
      if constexpr (std::same_as<K, BidirectionalKind>)
        f.template operator()<K>(network, bidirectional_of<T>(network));
      else if constexpr (TrainedKind<K>)
        f.template operator()<K>(network, model_of_kind<K, T>(network));
    }
  });
}

std::string bytes_in(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::string refusal_of(std::string_view kind, Index inputs, Index outputs, const LayerOptions& how = {}) {
  return message_of<std::invalid_argument>([&] { make_layer(kind, inputs, outputs, how); });
}
bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("every kind: a layer known at run time trains as the one with a type" * doctest::test_suite("bits")) {
  const int before = threads();
  for (const int n : {1, 2}) {
    set_threads(n);
    for_each_trained_kind<float>([]<class K>(const Network& network, const auto& typed) {
      check_trains_alike(typed, model_of(network), input_of_kind<K, float>());
    });
  }
  set_threads(before);
  for_each_trained_kind<double>([]<class K>(const Network& network, const auto& typed) {
    check_trains_alike(typed, model_of<PackedSequence<double>>(network), input_of_kind<K, double>());
  });
}

TEST_CASE("every recurrent kind gives its final state, known at run time, too" * doctest::test_suite("bits")) {
  for_each_trained_kind<float>([]<class K>(Network network, const auto& typed) {
    if constexpr (detail::HasFinalOutput<std::remove_cvref_t<decltype(typed.template layer<0>())>>) {
      network.layers.back().options["final_state"] = true;
      check_trains_alike(Sequential{FinalState(typed.template layer<0>())}, model_of<Matrix<>>(network),
                         input_of_kind<K, float>());
    }
  });
}

TEST_CASE("a layer made by its kind's name and sizes starts as the one that its constructor makes") {
  for_each_kind<LibraryKinds>([]<class K>() {
    if constexpr (detail::is_recurrent_kind<K>) {
      using Layer = typename K::template Layer<float>;
      const Index units = K::counts.projects ? 9 : 0;
      const auto cell = K::template cell<float>(3, units > 0 ? units : 6, 6);
      check_starts_alike(Layer(cell), make_layer(K::name, 3, 6, {.units = units}));
      const double dropout = K::counts.GU > 0 ? 0.2 : 0;
      const RecurrentOptions how{.recurrent_dropout = dropout, .reverse = true, .bias = Bias::single};
      check_starts_alike(Layer(cell, how), make_layer(K::name, 3, 6, {.recurrent = how, .units = units}));
      check_starts_alike(
          FinalState{Layer(cell, {.reverse = true, .bias = Bias::none})},
          make_layer(K::name, 3, 6,
                     {.bias = false, .units = units, .options = {{"final_state", true}, {"reverse", true}}}));
    } else if constexpr (TrainedKind<K>) {
      CHECK_FALSE(make_layer(K::name, 3, std::same_as<K, DenseKind> || std::same_as<K, EmbeddingKind> ? 6 : 3)
                      .describe()
                      .empty());
    }
  });
  check_starts_alike(Bidirectional{Gru{3, 4}, {.input_dropout = 0.1}},
                     make_layer("bidirectional gru", 3, 8, {.recurrent = {.input_dropout = 0.1}}));
  check_starts_alike(
      FinalState{Bidirectional{Rnn{3, 8}, {}, Merge::product}},
      make_layer("bidirectional rnn_tanh", 3, 8, {.final_state = true, .options = {{"merge", "product"}}}));
  check_starts_alike(Dense{3, 6}, make_layer("dense", 3, 6));
  check_starts_alike(Dense{3, 6, {.bias = false}}, make_layer("dense", 3, 6, {.bias = false}));
  check_starts_alike(Embedding{9, 6}, make_layer("embedding", 9, 6));
  check_starts_alike(LayerNorm{5}, make_layer("layer_norm", 5, 5));
  check_starts_alike(Elu{0.5}, make_layer("elu", 5, 5, {.options = {{"alpha", 0.5}}}));
  check_starts_alike(Dense<double>{3, 6}, make_layer<LibraryKinds, double>("dense", 3, 6));
}

TEST_CASE("a layer that its kind cannot be is refused by name") {
  CHECK(says(refusal_of("transformer", 3, 4), "no layer that trains is called 'transformer'; there are rnn_tanh, "));
  CHECK(says(refusal_of("bidirectional dense", 3, 4), "called 'bidirectional dense'"));
  CHECK(says(refusal_of("bidirectional", 3, 4), "called 'bidirectional'"));
  CHECK(says(refusal_of("lstm", 0, 4), "make_layer: lstm: 0 inputs, expected 1 to"));
  CHECK(says(refusal_of("dense", 3, -1), "make_layer: dense: -1 outputs, expected 1 to"));
  CHECK(says(refusal_of("embedding", largest_size + 1, 4), "inputs, expected 1 to"));
  CHECK(says(refusal_of("gru", largest_size, largest_size), "expected sizes that memory can hold"));
  CHECK(says(refusal_of("tanh", 3, 4), "tanh takes 3 and gives 3, asked for 3 and 4"));
  CHECK(says(refusal_of("prelu", 3, 4), "asked for 3 and 4"));
  CHECK(says(refusal_of("bidirectional lstm", 3, 5), "expected an even number"));
  CHECK(says(refusal_of("dense", 3, 4, {.final_state = true}), "dense has no final state"));
  CHECK(says(refusal_of("dense", 3, 4, {.recurrent = {.recurrent_dropout = 0.1}}), "it is not recurrent"));
  CHECK(says(refusal_of("lstm", 3, 4, {.recurrent = {.recurrent_dropout = 1}}), "dropout rate"));
  CHECK(says(refusal_of("dense", 3, 4, {.options = {{"alpha", 1.0}}}), "dense has no option 'alpha'"));
  CHECK(says(refusal_of("elu", 3, 3, {.options = {{"alpha", true}}}), "alpha is a flag, expected a number"));
  CHECK(says(refusal_of("layer_norm", 3, 3, {.options = {{"epsilon", -1.0}}}), "epsilon is -1, expected 0 to 1"));
  CHECK(says(refusal_of("bidirectional gru", 3, 4, {.options = {{"merge", "mean"}}}),
             "merge is 'mean', expected concat"));
}

TEST_CASE("a kind of one's own is made, trained, saved and read like the library's" * doctest::test_suite("bits")) {
  using Own = Derived<Slow<>>;
  check_starts_alike(Recurrent{Own{3, 4}}, make_layer<SlowKinds>("slow", 3, 4));
  check_starts_alike(Bidirectional{Own{3, 4}}, make_layer<SlowKinds>("bidirectional slow", 3, 8));
  CHECK(says(refusal_of("slow", 3, 4), "called 'slow'"));
  Sequential typed{Recurrent{Own{3, 4}}, Dense{4, 2}};
  AnySequential<> any;
  any.add(make_layer<SlowKinds>("slow", 3, 4)).add(make_layer("dense", 4, 2));
  initialize(typed, Rng{1});
  initialize(any, Rng{1});
  check_trains_alike(typed, any, random_sequences<float>(3, ragged_lengths(), 6));
  const TemporaryFolder folder;
  save(folder / "any", any);
  const Network network = load_network<SlowKinds>(folder / "any");
  const auto loaded = model_of<PackedSequence<>, SlowKinds>(network);
  CHECK(parameters_of(loaded) == parameters_of(any));
  CHECK(says(message_of<std::invalid_argument>([&] { model_of(network); }), "called 'slow'"));
}

TEST_CASE("a network that is no such model is refused by name") {
  const Network network = network_of_kind<LstmKind>();
  CHECK(says(message_of<std::invalid_argument>([&] { model_of<Matrix<>>(network); }), "model_of<PackedSequence<>>"));
  Network last = network, skips = network, wide = network;
  last.layers.back().options["final_state"] = true;
  CHECK(says(message_of<std::invalid_argument>([&] { model_of(last); }), "model_of<Matrix<>>"));
  skips.input_gain = 2;
  CHECK(says(message_of<std::invalid_argument>([&] { model_of(skips); }), "skip or gains"));
  wide.layers.push_back(sample_of<DenseKind>());
  CHECK(
      says(message_of<std::invalid_argument>([&] { model_of(wide); }), "it takes 3 values, the layer before gives 6"));
  CHECK(says(message_of<std::invalid_argument>([&] { model_of(Network()); }), "a network without layers"));
}

TEST_CASE("every kind comes back from the file of a model known at run time") {
  const TemporaryFolder folder;
  for_each_trained_kind<float>([&]<class K>(const Network& network, const auto& typed) {
    const auto any = model_of(network);
    save(folder / "typed", typed);
    save(folder / "any", any);
    CHECK(bytes_in(folder / "any") == bytes_in(folder / "typed"));
    const auto [loaded, info] = load_model([&](const ModelInfo&) { return zeros_like(any); }, folder / "typed");
    CHECK(parameters_of(loaded) == parameters_of(typed));
    CHECK(parameters_of(model_of(load_network(folder / "any"))) == parameters_of(typed));
    const Network again = network_of(any);
    CHECK(again.layers.size() == network.layers.size());
    CHECK(again.layers.back().tensors == network.layers.back().tensors);
  });
}
