#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/file/json_value.hpp>
#include <unroll/io/json_tensors.hpp>
#include <unroll/io/state_dict.hpp>
#include <unroll/layer/activation.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/stack.hpp>

#include "networks.hpp"

using namespace unroll;

namespace {

const StateDictOptions tagger_names{
    .names = {{"encoder.embed.", "0."}, {"encoder.rnn.", "1."}, {"head.0.", "2."}, {"head.2.", "4."}}};

template <class T> auto tagger() {
  return Sequential{Embedding<T>{6, 3}, Stack{Bidirectional{Lstm<T>{3, 4}}, Bidirectional{Lstm<T>{8, 4}}},
                    Dense<T>{8, 3}, Tanh<T>{}, Dense<T>{3, 2}};
}
template <class M, class In> Matrix<double> run(const M& model, const In& input) {
  CacheFor<M, In> cache;
  return values(model.forward(Context{.gradients = false}, input, cache)).template cast<double>();
}
TokenBatch tokens(const Computed& computed) {
  const std::vector<Index> lengths{static_cast<Index>(computed.ids.size())};
  return {computed.ids, Packing::from_lengths(lengths, lengths[0])};
}
PackedSequence<double> sequence(const Computed& computed) {
  const std::vector<Index> lengths{computed.x.cols()};
  return {computed.x, Packing::from_lengths(lengths, lengths[0])};
}
template <class M> std::string why_not(const std::string& name, M model, const StateDictOptions& options = {}) {
  return message_of([&] { load_state_dict(io_file(name), model, options); });
}

}  // namespace

TEST_CASE("a state dictionary with nested names gives what PyTorch computed, in all its types") {
  auto model = tagger<double>();
  for (const std::string name :
       {"pytorch_tagger_f32", "pytorch_tagger_f64", "pytorch_tagger_f16", "pytorch_tagger_bf16"}) {
    CAPTURE(name);
    load_state_dict(io_file(name + ".safetensors"), model, tagger_names);
    const Computed computed("pytorch", name);
    CHECK(largest_error(run(model, tokens(computed)), computed.y) <= 1e-12);
  }
}

TEST_CASE("nn.RNN with relu, nn.RNN without biases and nn.GRU of two layers") {
  Sequential relu{Recurrent{ReluRnn<double>{2, 3}}};
  load_state_dict(io_file("pytorch_rnn_relu.safetensors"), relu, {.names = {{"", "0."}}});
  const Computed a("pytorch", "pytorch_rnn_relu");
  CHECK(largest_error(run(relu, sequence(a)), a.y) <= 1e-12);
  Sequential plain{Recurrent{Rnn<double>{2, 3}, {.bias = Bias::none}}};
  load_state_dict(io_file("pytorch_rnn_no_bias.safetensors"), plain, {.names = {{"", "0."}}});
  const Computed b("pytorch", "pytorch_rnn_no_bias");
  CHECK(largest_error(run(plain, sequence(b)), b.y) <= 1e-12);
  Stack two{Recurrent{Gru<double>{2, 3}}, Recurrent{Gru<double>{3, 3}}};
  load_state_dict(io_file("pytorch_gru.safetensors"), two);
  const Computed c("pytorch", "pytorch_gru");
  CHECK(largest_error(run(two, sequence(c)), c.y) <= 1e-12);
}

TEST_CASE("a state dictionary as JSON, as RTNeural's PyTorch examples write it") {
  Sequential model{Recurrent{Gru<double>{1, 3}}, Stack{Recurrent{Gru<double>{3, 3}}, Recurrent{Gru<double>{3, 3}}},
                   Dense<double>{3, 1}};
  load_state_dict(read_state_dict_json(io_file("pytorch_state_dict.json")), model,
                  {.names = {{"gru.", "0."}, {"gru2.", "1."}, {"dense.", "2."}}});
  const Computed computed("pytorch", "pytorch_state_dict");
  CHECK(largest_error(run(model, sequence(computed)), computed.y) <= 1e-12);
}

TEST_CASE("a state dictionary that is not the model's says which tensor, and leaves the model as it was") {
  check_mentions(why_not("pytorch_tagger_f32.safetensors", tagger<double>()),
                 {"pytorch_tagger_f32.safetensors", "no tensor '0.weight' for the model's '0.weight' (6, 3)"});
  StateDictOptions names = tagger_names;
  names.names.pop_back();
  check_mentions(why_not("pytorch_tagger_f32.safetensors", tagger<double>(), names), {"no tensor '4.weight'"});
  names = tagger_names;
  std::swap(names.names[2].file, names.names[3].file);
  check_mentions(why_not("pytorch_tagger_f32.safetensors", tagger<double>(), names),
                 {"tensor 'head.2.weight': got F32 (2, 3), expected floats (3, 8) for the model's '2.weight'"});
  const auto encoder = [] { return Stack{Bidirectional{Lstm<double>{3, 4}}, Bidirectional{Lstm<double>{8, 4}}}; };
  const StateDictOptions some{.names = {{"encoder.rnn.", ""}}, .ignore = {"head.*"}};
  check_mentions(why_not("pytorch_tagger_f32.safetensors", encoder(), some),
                 {"the model has no place for tensor 'encoder.embed.weight' F32 (6, 3)"});
  StateDictOptions all = some;
  all.ignore.push_back("encoder.embed.*");
  CHECK(why_not("pytorch_tagger_f32.safetensors", encoder(), all) == "");
  check_mentions(why_not("pytorch_lstm_projected.safetensors", Stack{Recurrent{Lstm<double>{2, 4}}}),
                 {"tensor 'weight_hr_l0' is the projection of an LSTM with proj_size; the model has no ProjectedLstm"});
  check_mentions(why_not("pytorch_gru.safetensors", Stack{Recurrent{Gru<double>{2, 3}}}),
                 {"no place for tensor 'bias_hh_l1'"});

  SafeTensorsWriter writer;
  Matrix<float> weight = Matrix<float>::Ones(2, 3), bias = Matrix<float>::Ones(2, 1);
  weight(1, 2) = std::numeric_limits<float>::quiet_NaN();
  writer.add("weight", weight);
  writer.add_vector("bias", std::span<const float>(bias.data(), 2));
  Dense<float> dense{3, 2};
  check_mentions(message_of([&] { load_state_dict(SafeTensors(writer.bytes()), dense); }),
                 {"tensor 'weight' holds a number that is not finite"});
  CHECK(dense.weight.isZero());
}

TEST_CASE("a model is written under PyTorch's own names") {
  const TemporaryFolder folder;
  auto model = tagger<double>();
  load_state_dict(io_file("pytorch_tagger_f64.safetensors"), model, tagger_names);
  save_state_dict(folder / "back.safetensors", model, tagger_names);
  const auto back = read_safetensors(folder / "back.safetensors"),
             from = read_safetensors(io_file("pytorch_tagger_f64.safetensors"));
  CHECK(back.tensors.size() == from.tensors.size());
  for (const auto& [name, tensor] : from.tensors) {
    CAPTURE(name);
    CHECK(back.tensor(name).shape == tensor.shape);
    CHECK(back.elements<double>(name) == from.elements<double>(name));
  }
}

TEST_CASE("a model is written in PyTorch's types as PyTorch rounds to them") {
  const TemporaryFolder folder;
  auto model = tagger<double>();
  load_state_dict(io_file("pytorch_tagger_f32.safetensors"), model, tagger_names);
  for (const auto& [dtype, name] :
       {std::pair{Dtype::f64, "f64"}, {Dtype::f32, "f32"}, {Dtype::f16, "f16"}, {Dtype::bf16, "bf16"}}) {
    CAPTURE(name);
    StateDictOptions options = tagger_names;
    options.dtype = dtype;
    save_state_dict(folder / "back.safetensors", model, options);
    const auto back = read_safetensors(folder / "back.safetensors"),
               from = read_safetensors(io_file(concat_text("pytorch_tagger_", name, ".safetensors")));
    CHECK(back.tensors.size() == from.tensors.size());
    for (const auto& [key, tensor] : from.tensors) {
      CAPTURE(key);
      CHECK(back.tensor(key).dtype == tensor.dtype);
      CHECK(back.tensor(key).shape == tensor.shape);
      CHECK(std::ranges::equal(back.tensor(key).bytes, tensor.bytes));
    }
  }
}

TEST_CASE("JSON that is not a state dictionary is refused") {
  const auto refused = [](const std::string& text) {
    return message_of([&] { detail::tensors_from_json(detail::JsonAt(detail::Json::parse(text), "text")); });
  };
  check_mentions(refused(R"({"a": [[1, 2], [3]]})"), {"text: a: row 1 is an array of 1, expected 2 numbers"});
  check_mentions(refused(R"({"a": [[[1]]]})"), {"element 0 is an array, expected a number"});
  check_mentions(refused(R"({"a": 3})"), {"a: got a number, expected an array"});
  check_mentions(refused(R"([1])"), {"got an array, expected an object"});
}
