// Pairs of a source and what is to be written for it, as an encoder-decoder model reads them.
#include <doctest/doctest.h>

#include <unroll/data/batches.hpp>
#include <unroll/data/pair_dataset.hpp>

#include "../support/message_of.hpp"

namespace pair_dataset_test {

using namespace unroll;
using Ids = std::vector<std::int32_t>;
using Sequences = std::vector<Ids>;

const Sequences sources{{5, 6, 7}, {8}, {9, 9}}, targets{{11, 12}, {13, 14, 15}, {16}};

template <class T> std::vector<std::vector<T>> unpacked(const Packing& packing, const std::vector<T>& of) {
  std::vector<std::vector<T>> rows(static_cast<std::size_t>(packing.batch()));
  for (Index n = 0; n < packing.total(); ++n)
    rows[static_cast<std::size_t>(packing.sequence_of(n))].push_back(of[static_cast<std::size_t>(n)]);
  return rows;
}

TEST_CASE("a batch of pairs has the sources, the targets behind their begin, and as labels what follows") {
  const PairDataset data(sources, targets);
  CHECK(data.size() == 3);
  CHECK(data.length(1) == 5);
  CHECK(data.labels() == 9);
  CHECK(Ids(data.target(1).begin(), data.target(1).end()) == targets[1]);
  const std::vector<Index> rows{2, 0, 1};
  PairDataset::Batch batch;
  data.fill(rows, batch);
  const auto& [x, y] = batch.all;
  CHECK(unpacked(x.packing, x.ids) == Sequences{{9, 9}, {5, 6, 7}, {8}});
  CHECK(unpacked(y.packing, y.ids) == Sequences{{2, 16}, {2, 11, 12}, {2, 13, 14, 15}});
  BatchTargets<float> of;
  data.fill_targets(rows, batch, of);
  CHECK(of.are_labels);
  CHECK(unpacked(y.packing, of.labels) == std::vector<std::vector<Index>>{{16, 3}, {11, 12, 3}, {13, 14, 15, 3}});

  const std::vector<Index> some{1};
  const PairDataset one = data.select(some);
  one.fill(std::vector<Index>{0}, batch);
  CHECK(x.ids == Ids{8});
  one.fill_targets(std::vector<Index>{0}, batch, of);
  CHECK(of.labels == std::vector<Index>{13, 14, 15, 3});
}

TEST_CASE("a source may end with its end, and be read from its end") {
  const auto source = [](const PairOptions& options) {
    const PairDataset data({{5, 6, 7}}, {{4}}, options);
    return Ids(data.source(0).begin(), data.source(0).end());
  };
  CHECK(source({.source_end = true}) == Ids{5, 6, 7, 3});
  CHECK(source({.reverse_source = true}) == Ids{7, 6, 5});
  CHECK(source({.source_end = true, .reverse_source = true}) == Ids{7, 6, 5, 3});
  CHECK(source_of_pair(sources[0], {.begin = 0, .end = 1, .source_end = true}) == Ids{5, 6, 7, 1});
}

TEST_CASE("batches of similar length have pairs of similar lengths of both sides together") {
  Sequences from, to;
  for (std::size_t k = 0; k < 40; ++k) from.emplace_back(1 + k % 5, 4), to.emplace_back(1 + k % 7, 4);
  const PairDataset data(from, to);
  Batches batches(data, {.batch_size = 8, .similar_length = true});
  for (Index k = 0; k < batches.count(); ++k) {
    Index least = 100, most = 0;
    for (const Index row : batches[k])
      least = (std::min)(least, data.length(row)), most = (std::max)(most, data.length(row));
    CHECK(most - least <= 3);
  }
}

TEST_CASE("texts become pairs by two encodings, and a text that spells a mark has an unknown token there") {
  const std::vector<std::string> from{"ein Hund", "<EOS> Hund"}, to{"a dog", "dog"};
  const VocabularyOptions words{.tokenizer = WhitespaceTokenizer{}};
  const TextEncoding de(with_marks(Vocabulary::build({"ein Hund"}, words))), en(BytePairEncoding::learn(to));
  const PairDataset data = encode_pairs(de, en, from, to);
  CHECK(Ids(data.source(1).begin(), data.source(1).end()).front() == Vocabulary::oov);
  CHECK(de.decode(data.source(0)) == "ein Hund");
  CHECK(en.decode(data.target(0)) == "a dog");
}

TEST_CASE("what is no pair is refused with its number") {
  const auto refused = [](const Sequences& from, const Sequences& to, const PairOptions& options = {}) {
    return message_of([&] { PairDataset(from, to, options); });
  };
  CHECK(refused(sources, {{4}}) == "PairDataset: 3 sources and 1 targets, expected as many");
  CHECK(refused({{4}, {}}, {{4}, {4}}) == "PairDataset: pair 1 has a source without a token");
  CHECK(refused({{4}, {4}}, {{}, {4}}) == "PairDataset: pair 0 has a target without a token");
  CHECK(refused({{4}, {4}}, {{4}, {4, 3}}) == "PairDataset: pair 1 has a target with token 3, which marks its end");
  CHECK(refused({{2}}, {{4}}) == "PairDataset: pair 0 has a source with token 2, which marks its begin");
  CHECK(refused({}, {}, {.begin = 3}) == "PairDataset: begin is 3 and end 3, expected two ids");
  CHECK(PairDataset().size() == 0);
}

}  // namespace pair_dataset_test
