// Models described in JSON.
#include <doctest/doctest.h>

#include <unroll/cell/lstm.hpp>
#include <unroll/format/plan_json.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>

#include "support.hpp"

using namespace unroll;

TEST_CASE("a description in JSON is the model with types, to the bit of its first weights") {
  auto model = model_of_plan<Matrix<float>>(R"([
    {"type": "embedding", "inputs": 20, "outputs": 6},
    {"type": "bidirectional lstm", "outputs": 8, "recurrent_dropout": 0.1, "weight_dropout": 0.5, "merge": "concat"},
    {"type": "dropout", "rate": 0.3},
    {"type": "gru", "outputs": 5, "final_state": true, "bias": false},
    {"type": "dense", "outputs": 2},
    {"type": "elu", "alpha": 0.5}])");
  CHECK(
      model.describe() ==
      "Embedding 20 x 6, Bidirectional Recurrent<Lstm> 6 -> 4, recurrent dropout 0.1, weight dropout 0.5, Dropout 0.3, "
      "FinalState Recurrent<Gru> 8 -> 5, Dense 5 -> 2, Elu 0.5");
  CHECK(model_of_plan(R"([{"type": "bidirectional projected_lstm", "inputs": 3, "units": 9, "outputs": 8}])")
            .describe() == "Bidirectional Recurrent<ProjectedLstm> 3 -> 4");
  auto plain = model_of_plan(R"([{"type": "lstm", "inputs": 3, "outputs": 4}, {"type": "dense", "outputs": 1}])");
  Sequential typed{Recurrent{Lstm{3, 4}}, Dense{4, 1}};
  initialize(plain, Rng(7));
  initialize(typed, Rng(7));
  std::vector<Matrix<float>> numbers;
  visit([&](const Path&, const auto& p) { numbers.push_back(p); }, plain);
  visit([&, k = std::size_t{0}](const Path&, const auto& p) mutable { CHECK(p == numbers[k++]); }, typed);
}

TEST_CASE("a description that is none says where") {
  const auto refused = [](std::string_view json) {
    return message_of([&] { static_cast<void>(model_of_plan(json)); });
  };
  CHECK(refused("{}") == "plan: got an object, expected an array");
  CHECK(refused(R"([{"type": "lstm", "outputs": 4}])") == "plan: [0]: no 'inputs', which the first layer says");
  CHECK(refused(R"([{"type": "lstm", "inputs": 3, "outputs": 4}, {"type": "dense", "inputs": 5}])") ==
        "plan: [1].inputs: got 5, the layer before gives 4");
  CHECK(refused(R"([{"type": "lstm", "inputs": 3, "outputs": 0}])") ==
        "plan: [0].outputs: got 0, expected 1 to 16777216");
  CHECK(refused(R"([{"type": "lsm", "inputs": 3}])").find("'lsm'") != std::string::npos);
  CHECK(refused(R"([{"type": "dense", "inputs": 3, "alpha": 2}])").starts_with("plan: [0]: make_layer: "));
  CHECK(refused(R"([{"type": "dropout", "inputs": 3, "outputs": 4, "rate": 0.1}])") ==
        "plan: [0]: a dropout has a 'rate' and nothing else");
  CHECK(refused(R"([{"type": "dropout", "inputs": 3, "rate": 0.1, "bias": false}])") ==
        "plan: [0]: a dropout has a 'rate' and nothing else");
  CHECK(refused(R"([{"type": "dense", "inputs": 3, "recurrent_dropout": 0.1}])") ==
        "plan: [0]: make_layer: dense has no options of a recurrent layer: it is not recurrent");
  CHECK(refused(R"([{"type": "dense", "inputs": 3, "weight_dropout": 0.1}])") ==
        "plan: [0]: make_layer: dense has no options of a recurrent layer: it is not recurrent");
  CHECK(refused(R"([{"type": "elu", "inputs": 3, "final_state": true}])") ==
        "plan: [0]: make_layer: elu has no final state: it is not recurrent");
  CHECK(refused(R"([{"type": "lstm", "inputs": 3, "outputs": 4, "units": 5}])") ==
        "plan: [0]: make_layer: lstm has as many units as outputs: it projects nothing");
  CHECK(refused(R"([{"type": "dense", "inputs": 3, "units": 5}])") ==
        "plan: [0]: make_layer: dense has no units beside its outputs");
  CHECK(message_of<std::invalid_argument>([] {
          static_cast<void>(make_layer("projected_lstm", 3, 4, {.units = Index{1} << 60}));
        }) == "make_layer: projected_lstm: 1152921504606846976 units, expected 1 to 2147483647");
  CHECK(refused("") == "plan: this is an empty file, expected JSON; copy or download it again");
  CHECK(refused(R"([{"type": "lstm", "inp)").find("plan: ") == 0);
  CHECK(refused(R"([{"type": "lstm", "inputs": 3, "recurrent_dropout": 1.5}])") ==
        "plan: [0].recurrent_dropout: got 1.5, expected 0 to 1");
  CHECK(refused(R"([{"type": "lstm", "inputs": [3]}])") == "plan: [0].inputs: got an array, expected a whole number");
}
