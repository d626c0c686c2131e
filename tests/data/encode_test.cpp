#include <doctest/doctest.h>

#include <unroll/data/encode.hpp>

using unroll::Index;
using Tokens = std::vector<std::int32_t>;

namespace {
const unroll::LabelledTexts texts{{"A fine, fine film", "bad", "", "so so so so good"}, {1, 0, 0, 1}, {"neg", "pos"}};
}

TEST_CASE("training and prediction encode a text to the same ids") {
  const auto vocabulary = unroll::Vocabulary::build(texts.texts);
  for (const Index length : {1, 2, 3, 100})
    for (const auto keep : {unroll::Keep::first, unroll::Keep::last}) {
      const unroll::Encoder encoder(vocabulary, {.length = length, .keep = keep});
      const auto data = encode(vocabulary, texts, {.length = length, .keep = keep});
      for (Index k = 0; k < data.size(); ++k)
        CHECK(Tokens(data[k].begin(), data[k].end()) == encoder(texts.texts[static_cast<std::size_t>(k)]));
    }
  const auto data = encode(vocabulary, texts);
  CHECK(Tokens(data[0].begin(), data[0].end()) == vocabulary.encode("A fine, fine film"));
}

TEST_CASE("a long text keeps its first or its last tokens, as asked") {
  const auto vocabulary = unroll::Vocabulary::build(texts.texts);
  const Tokens all = vocabulary.encode("so so so so good");
  CHECK(unroll::Encoder(vocabulary, {.length = 2})("so so so so good") == Tokens{all[0], all[1]});
  CHECK(unroll::Encoder(vocabulary, {.length = 2, .keep = unroll::Keep::last})("so so so so good") ==
        Tokens{all[3], all[4]});
}

TEST_CASE("labels and their names come along, and a text without tokens is an empty sequence") {
  const auto vocabulary = unroll::Vocabulary::build(texts.texts);
  const auto data = encode(vocabulary, texts);
  CHECK(data.targets().labels == texts.labels);
  CHECK(data.label_names() == texts.label_names);
  CHECK(data.length(2) == 0);
}

TEST_CASE("an encoder comes back from the metadata of a file, and bad metadata is named") {
  const auto vocabulary = unroll::Vocabulary::build(texts.texts);
  const unroll::Encoder encoder(vocabulary, {.length = 3, .keep = unroll::Keep::last});
  auto metadata = encoder.metadata();
  const auto again = unroll::Encoder::from_metadata(vocabulary, metadata, "model.safetensors");
  CHECK(again("a b c so so good") == encoder("a b c so so good"));
  const unroll::Encoder whole(vocabulary);
  CHECK(unroll::Encoder::from_metadata(vocabulary, whole.metadata(), "x").options().length == whole.options().length);

  metadata["encoder.length"] = "3x";
  CHECK_THROWS_WITH_AS(unroll::Encoder::from_metadata(vocabulary, metadata, "model.safetensors"),
                       "model.safetensors: metadata 'encoder.length' is '3x', expected a number above 0",
                       unroll::FormatError);
  metadata.erase("encoder.length");
  CHECK_THROWS_WITH_AS(unroll::Encoder::from_metadata(vocabulary, metadata, "model.safetensors"),
                       "model.safetensors: no metadata 'encoder.length'", unroll::FormatError);
  CHECK_THROWS_WITH(unroll::Encoder(vocabulary, {.length = 0}), "Encoder: length is 0, expected at least 1");
}

TEST_CASE("a report counts texts without tokens and unknown tokens") {
  const auto vocabulary = unroll::Vocabulary::build(texts.texts);
  const unroll::EncodeReport report = unroll::encode_report(encode(vocabulary, texts));
  CHECK(report.texts == 4);
  CHECK(report.empty == 1);
  CHECK(report.tokens == 10);
  CHECK(report.unknown == 0);
  CHECK_FALSE(report.mostly_unknown());
  const unroll::LabelledTexts others{{"une belle fine histoire", "!"}, {0, 1}, {"neg", "pos"}};
  const unroll::EncodeReport other = unroll::encode_report(encode(vocabulary, others));
  CHECK(other.unknown == 3);
  CHECK(other.empty == 1);
  CHECK(other.mostly_unknown());
  CHECK_FALSE(unroll::encode_report({}).mostly_unknown());
}

TEST_CASE("texts that all come out empty are refused, unless they are") {
  const auto vocabulary = unroll::Vocabulary::build(texts.texts);
  const unroll::LabelledTexts foreign{{"фильм", ""}, {0, 1}, {"neg", "pos"}}, empty{{"", ""}, {0, 1}, {"neg", "pos"}};
  CHECK_THROWS_WITH_AS(encode(vocabulary, foreign),
                       "Encoder: the tokenizer 'article' finds no token in 2 texts: are they in another language than "
                       "those of the vocabulary?",
                       std::invalid_argument);
  CHECK(encode(vocabulary, empty).steps() == 0);
}
