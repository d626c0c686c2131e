// Texts in, texts out: trained, saved with both encodings, and loaded again.
#include <fstream>

#include <doctest/doctest.h>

#include <unroll/metric/exact_match.hpp>
#include <unroll/optim/adam.hpp>
#include <unroll/train/fit.hpp>
#include <unroll/train/text_translator.hpp>

#include "../io/support.hpp"
#include "../wiring/encoder_decoders.hpp"

namespace text_translator_test {

using namespace unroll;
using Model = encoder_decoders::Bridged<float>;

/// Every order of some of five words, and the same from its end.
struct Reversed {
  std::vector<std::string> from, to;
  Reversed() {
    const std::vector<std::string> words{"a", "b", "c", "d", "e"};
    for (std::size_t k = 0; k < 125; ++k) {
      const auto &x = words[k % 5], &y = words[k / 5 % 5], &z = words[k / 25];
      from.push_back(x + ' ' + y + ' ' + z), to.push_back(z + ' ' + y + ' ' + x);
      if (k < 25) from.push_back(x + ' ' + y), to.push_back(y + ' ' + x);
    }
  }
};
TextEncoding encoding_of(const std::vector<std::string>& texts) {
  return with_marks(Vocabulary::build(texts, {.tokenizer = WhitespaceTokenizer{}}));
}

struct Trained {
  Reversed texts;
  TextTranslator<Model> translator{Model(9, 9, 24), encoding_of(texts.from), encoding_of(texts.to), {}};
  Trained() {
    const PairDataset data = encode_pairs(translator.source, translator.target, texts.from, texts.to);
    initialize(translator.model, Rng(1));
    fit(translator.model, Adam{.rate = 1e-2}, data, {.epochs = 30, .batch_size = 25, .similar_length = true});
    const Evaluation scores = evaluate(translator.model, data);
    CHECK(scores.accuracy > 0.99);
    CHECK(scores.loss < 0.1);
  }
};
const Trained& trained() {
  static const Trained once;
  return once;
}

TEST_CASE("a trained model translates texts, alone and many at once") {
  const auto& [texts, translator] = trained();
  CHECK(exact_match(translator(std::span(texts.from)), texts.to) > 0.99);
  CHECK(exact_match(translator(std::span(texts.from), {.width = 1}), texts.to) > 0.99);
  CHECK(translator("a b c") == "c b a");
  CHECK(translator("").empty());
  CHECK(translator(std::vector<std::string>{"", "c a", " "}) == std::vector<std::string>{"", "a c", ""});
}

TEST_CASE("one file has the model and both encodings") {
  const TemporaryFolder folder;
  const auto path = folder / "reverse.safetensors";
  auto translator = trained().translator;
  translator.pairs.reverse_source = true;
  save(path, translator, {.architecture = "bridged", .extra = {{"task", "reverse"}}});
  const auto make = [](const ModelInfo& info, Index source, Index target) {
    CHECK(info.architecture == "bridged");
    CHECK(info.value("task") == "reverse");
    return Model(source, target, 24);
  };
  const auto loaded = load_translator(make, path);
  CHECK(loaded.pairs.reverse_source);
  CHECK_FALSE(loaded.pairs.source_end);
  CHECK(loaded.source == translator.source);
  CHECK(loaded.target == translator.target);
  CHECK(loaded("a b d") == translator("a b d"));
  CHECK(read_safetensors(path).metadata.contains("unroll.test_tokens.1"));

  TextTranslator<Model> pairs{Model(270, 280, 4), BytePairEncoding::learn({"aa aa", "aa"}), BytePairEncoding(), {}};
  initialize(pairs.model, Rng(1));
  save(path, pairs);
  const auto again = load_translator([](const auto&...) { return Model(270, 280, 4); }, path);
  CHECK(again.source == pairs.source);
  CHECK(again.target == pairs.target);
}

TEST_CASE("what is not a translator's file is refused") {
  const TemporaryFolder folder;
  const auto path = folder / "model.safetensors";
  const auto make = [](const auto&...) { return Model(9, 9, 24); };
  const auto refused = [&](const std::map<std::string, std::string>& extra) {
    save(path, trained().translator.model, {.extra = extra});
    return message_of<FormatError>([&] { load_translator(make, path); });
  };
  CHECK(refused({}) == path.string() + ": no metadata 'translator.source'");
  auto extra = detail::translator_metadata({trained().translator.source, trained().translator.target, {}});
  extra["translator.source_end"] = "perhaps";
  CHECK(refused(extra) == path.string() + ": metadata 'translator.source_end' is 'perhaps', expected true or false");
  extra["translator.source"] = "unroll-vocabulary 1 whitespace 2\n<PAD>\n<OOV>\n";
  CHECK(refused(extra) == path.string() + ": metadata 'translator.source': the tokens 2 and 3 are not <BOS> and <EOS>");
  extra["translator.source"] = "x";
  CHECK(refused(extra).starts_with(path.string() + ": metadata 'translator.source'"));
}

}  // namespace text_translator_test
