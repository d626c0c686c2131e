// Snippets of docs/from_pytorch.md, docs/from_keras.md and docs/to_pytorch.md.
#include <iostream>

#include <unroll/cell/lstm.hpp>
#include <unroll/format/guitarml.hpp>
#include <unroll/format/load_network.hpp>
#include <unroll/format/nam.hpp>
#include <unroll/format/network_writer.hpp>
#include <unroll/format/rtneural.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/io/state_dict.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/network/model.hpp>

using namespace unroll;

namespace {
void begin(const char* region) { std::cout << "// endregion\n// region " << region << '\n'; }
}  // namespace

int main() {
  std::cout.precision(4);
  begin("tagger");
  // region tagger
  Sequential tagger{Embedding{6, 3}, Stack{Bidirectional{Lstm{3, 4}}, Bidirectional{Lstm{8, 4}}},  // two layers
                    Dense{8, 3}, Tanh{}, Dense{3, 2}};
  // What the model calls 1.weight_ih_l0 is encoder.rnn.weight_ih_l0 in the file.
  const StateDictOptions names{
      .names = {{"encoder.embed.", "0."}, {"encoder.rnn.", "1."}, {"head.0.", "2."}, {"head.2.", "4."}}};
  load_state_dict("tagger.safetensors", tagger, names);

  const std::vector<std::int32_t> ids{1, 4, 2, 5};
  const TokenBatch sentence = pack(ids);
  CacheFor<decltype(tagger), TokenBatch> cache;
  std::cout << tagger.forward({.gradients = false}, sentence, cache).values << '\n';
  // endregion

  begin("strict");
  // region strict
  try {
    load_state_dict("tagger.safetensors", tagger, {.names = {{"encoder.embed.", "0."}, {"encoder.rnn.", "1."}}});
  } catch (const FormatError& error) {
    std::cout << error.what() << '\n';
  }
  // endregion

  begin("write");
  // region write
  save_state_dict("back.safetensors", tagger, names);  // the names of the PyTorch module
  save("tagger_again.safetensors", tagger);            // the model's own names, and all that unroll needs to load it
  // endregion
  for (const auto& [name, tensor] : read_safetensors("back.safetensors").tensors)
    if (tensor.rank() == 2) std::cout << name << ' ' << tensor.shape[0] << " x " << tensor.shape[1] << '\n';

  begin("keras");
  // region keras
  const Network network = load_network("keras.safetensors");
  for (const NetworkLayer& layer : network.layers) std::cout << kind_name(layer) << '\n';
  std::cout << network.inputs() << " values in, " << network.outputs() << " out\n";
  // endregion

  begin("assign");
  // region assign
  Sequential amplifier{Recurrent{Lstm{1, 5}}, Dense{5, 1}};
  assign(load_network("amplifier.json"), amplifier);
  try {
    assign(network, amplifier);
  } catch (const std::invalid_argument& error) {
    std::cout << error.what() << '\n';
  }
  // endregion

  begin("convert");
  // region convert
  Network trained = network_of(amplifier);
  trained.sample_rate = 48000;
  save_nam("amplifier.nam", trained);
  save_rtneural("again.json", trained);
  save_guitarml("guitarml.json", trained);
  save_network("amplifier.safetensors", trained);
  std::cout << load_network("amplifier.nam").test.output.cols() << " steps were checked\n";
  // endregion
}
