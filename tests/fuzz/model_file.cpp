// The sizes of the model come from the file, as the guide says. The LSTM in the corpus is written by `model_file
// --write FILE`.
#include <cstring>

#include <unroll/cell/lstm.hpp>
#include <unroll/io/model_file.hpp>

#include "fuzz.hpp"
#include "mutate.hpp"

namespace {
auto make_classifier(unroll::Index V, unroll::Index D, unroll::Index H, unroll::Index classes) {
  using namespace unroll;
  return Sequential{Embedding{V, D}, FinalState{Recurrent{Lstm{D, H}}}, Dense{H, classes}};
}
}  // namespace

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  if (*count == 3 && std::strcmp((*arguments)[1], "--write") == 0) {
    auto model = make_classifier(4, 2, 1, 2);
    unroll::initialize(model, unroll::Rng{1});
    unroll::save((*arguments)[2], model,
                 unroll::Vocabulary::from_tokens({"<PAD>", "<OOV>", "a", "b"}, unroll::WhitespaceTokenizer{}),
                 {.architecture = "lstm", .labels = {"no", "yes"}, .extra = {{"keep", "last"}}});
    std::exit(0);
  }
  return 0;
}
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace unroll;
  return fuzz::read_or_refuse(size, [&] {
    const SafeTensors file(fuzz::bytes_of(data, size), "file");
    if (file.contains("0.bias")) {
      const auto make = [](const ModelInfo& info) {
        return Sequential{Dense{info.size("0.weight", 1), info.size("0.weight", 0)}};
      };
      load_model(make, file);
    } else {
      const auto make = [](const ModelInfo& info) {
        return make_classifier(info.vocabulary_size(), info.size("0.weight", 1), info.size("1.weight_hh_l0", 1),
                               info.size("2.weight", 0));
      };
      load_model(make, file);
    }
  });
}
