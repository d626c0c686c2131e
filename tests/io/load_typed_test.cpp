// Models that are made from their files alone.
#include <doctest/doctest.h>

#include <unroll/cell/derived.hpp>
#include <unroll/format/load_typed.hpp>
#include <unroll/io/state_dict.hpp>
#include <unroll/unroll.hpp>

#include "../support/slow_cell.hpp"
#include "support.hpp"

using namespace unroll;

namespace {

/// A dense layer whose kind has forgotten the bias.
struct ForgetfulKind {
  static constexpr std::string_view name = "forgetful";
  static void describe(Description& layer) {
    layer.widths(layer.cols("weight"), layer.rows("weight"));
    layer.matrix("weight", layer.rows("weight"), layer.cols("weight"));
  }
  static Matrix<double> run(const LayerData& layer, const Matrix<double>& x) { return DenseKind::run(layer, x); }
};
struct Forgetful : Dense<> {
  using Dense<>::Dense;
  using KindInFiles = ForgetfulKind;
};

template <class M> void check_comes_back(M model) {
  CAPTURE(model.describe());
  initialize(model, Rng{1});
  const TemporaryFolder folder;
  save(folder / "model", model);
  const auto [loaded, info] = load_model<M>(folder / "model");
  CHECK(loaded.describe() == model.describe());
  visit([](const Path&, const auto& a, const auto& b) { CHECK(a == b); }, std::as_const(model), loaded);
}
/// Why a file of `saved` is not one of M.
template <class M, class Saved> std::string refusal(Saved saved) {
  initialize(saved, Rng{1});
  const TemporaryFolder folder;
  save(folder / "model", saved);
  return message_of<FormatError>([&] { load_model<M>(folder / "model"); });
}

}  // namespace

TEST_CASE("a model comes back from its file alone: sizes, biases, directions, merges, options") {
  check_comes_back(Sequential{Embedding{30, 7}, Recurrent{Lstm{7, 5}}, FinalState{Recurrent{Gru{5, 6}}}, Dense{6, 2}});
  check_comes_back(Sequential{Recurrent{Rnn{3, 4}, {.reverse = true, .bias = Bias::single}}, Tanh<>{},
                              Dense{4, 5, {.bias = false}}, LayerNorm{5, {.bias = false, .epsilon = 1e-3}}, Elu{0.5},
                              PRelu{5}, Softmax<>{}});
  check_comes_back(Sequential{FinalState{Stack{Bidirectional{Lstm{2, 3}, {}, Merge::sum},
                                               Bidirectional{Gru{3, 4}, {.bias = Bias::none}, Merge::concat}}},
                              Dense{8, 1}});
  check_comes_back(Sequential{Recurrent{Lstm<double>{2, 3}, {.learned_initial_state = true}}, Dense<double>{3, 1}});
  check_comes_back(Sequential{Recurrent{PeepholeLstm{2, 3}}, Recurrent{Derived<Slow<>>{3, 4}}});
}

TEST_CASE("a model of texts comes back with its vocabulary") {
  const Vocabulary vocabulary = Vocabulary::build(std::vector<std::string>{"one two", "two three"});
  Sequential model{Embedding{vocabulary.size(), 4}, FinalState{Recurrent{Gru{4, 3}}}, Dense{3, 1}};
  initialize(model, Rng{1});
  const TemporaryFolder folder;
  save(folder / "model", model, vocabulary);
  const auto [loaded, words] = load<decltype(model)>(folder / "model");
  CHECK(words.size() == vocabulary.size());
  CHECK(loaded.describe() == model.describe());
}

TEST_CASE("a file of another model is refused, with what differs") {
  using Wanted = Sequential<Recurrent<Lstm<>>, Dense<>>;
  check_mentions(refusal<Wanted>(Sequential{Recurrent{Gru{2, 3}}, Dense{3, 1}}),
                 {"layers[0].type: 'gru' is not a layer"});
  check_mentions(refusal<Wanted>(Sequential{Recurrent{Lstm{2, 3}}, Recurrent{Lstm{3, 3}}}),
                 {"model", "layer 1 is lstm in the file, dense in the model"});
  check_mentions(refusal<Wanted>(Sequential{Recurrent{Lstm{2, 3}}}),
                 {"the file has 1 layers, the model has more: dense"});
  check_mentions(refusal<Wanted>(Sequential{Recurrent{Lstm{2, 3}}, Dense{3, 1}, Dense{1, 1}}),
                 {"the file has 3 layers, the model 2"});
  check_mentions(refusal<Wanted>(Sequential{FinalState{Recurrent{Lstm{2, 3}}}, Dense{3, 1}}),
                 {"layer 0 does not give its final state alone in the model, but in the file"});
  check_mentions(refusal<Sequential<FinalState<Recurrent<Lstm<>>>>>(Sequential{Recurrent{Lstm{2, 3}}}),
                 {"layer 0 gives its final state alone in the model, and not in the file"});
  check_mentions(refusal<Sequential<Bidirectional<Gru<>>, Recurrent<Lstm<>>>>(
                     Sequential{Bidirectional{Lstm{2, 3}}, Recurrent{Lstm{6, 3}}}),
                 {"layer 1 is lstm in the file, gru in the model"});
}

TEST_CASE("a file that does not say what network it is of is refused") {
  const TemporaryFolder folder;
  Sequential model{Recurrent{Lstm{2, 3}}};
  save_state_dict(folder / "state", model);
  check_mentions(message_of<FormatError>([&] { load_model<decltype(model)>(folder / "state"); }),
                 {"no metadata 'unroll.network'"});
}

TEST_CASE("a kind that does not describe a parameter of its layer is refused when it is written") {
  const TemporaryFolder folder;
  Sequential model{Forgetful{2, 1}};
  check_mentions(message_of<std::invalid_argument>([&] { save(folder / "model", model); }),
                 {"0.bias: the kind 'forgetful' describes no bias"});
  CHECK(folder.files() == 0);
}
