// BLEU of a corpus, of sentences and of several references against sacreBLEU's.
#include <cstdint>

#include <unroll/metric/bleu.hpp>

#include "golden.hpp"

namespace {

using namespace unroll;
using Ids = std::vector<std::int32_t>;

/// The generator of tests/golden/sacrebleu_scores.py.
class BleuNumbers {
 public:
  std::int32_t below(std::int32_t n) {
    x_ = (x_ * 1103515245 + 12345) % (std::int64_t{1} << 31);
    return static_cast<std::int32_t>((x_ >> 8) % n);
  }
  std::int32_t token() { return below(1 + below(60)); }
  Ids noisy(const Ids& tokens) {
    Ids copy;
    for (const std::int32_t t : tokens) {
      const std::int32_t kind = below(9);
      if (kind > 1) copy.push_back(kind == 2 ? token() : t);
      if (kind == 3) copy.push_back(t);
    }
    return copy;
  }

 private:
  std::int64_t x_ = 7;
};

struct BleuCorpus {
  std::vector<Ids> hypotheses, first;
  std::vector<std::vector<Ids>> references;

  BleuCorpus() {
    BleuNumbers numbers;
    for (int n = 0; n < 1000; ++n) {
      Ids& one = first.emplace_back(static_cast<std::size_t>(numbers.below(24)));
      for (std::int32_t& t : one) t = numbers.token();
      references.push_back({one});
      for (int r = 0; r < n % 3; ++r) references.back().push_back(numbers.noisy(one));
      hypotheses.push_back(numbers.noisy(one));
    }
  }
};

void check_bleu(const Golden& golden, const std::string& name, const BleuScore& got) {
  CAPTURE(name);
  const auto matches = golden.integers(name + ".matches"), totals = golden.integers(name + ".totals");
  const auto precisions = golden.numbers(name + ".precisions");
  REQUIRE(matches.size() == 4);
  for (std::size_t k = 0; k < 4; ++k) {
    CHECK(got.matches[k] == matches[k]);
    CHECK(got.totals[k] == totals[k]);
    check_close("precision", got.precisions[k], precisions[k]);
  }
  CHECK(std::vector<Index>{got.hypothesis_length, got.reference_length} == golden.integers(name + ".lengths"));
  check_close("brevity penalty", got.brevity_penalty, golden.number(name + ".brevity_penalty"));
  check_close("score", got.score, golden.number(name + ".score"));
}

}  // namespace

TEST_CASE("BLEU of a corpus and of each of its sentences is sacreBLEU's") {
  const Golden golden("sacrebleu_scores");
  const BleuCorpus corpus;
  check_bleu(golden, "one", corpus_bleu(corpus.hypotheses, corpus.first));
  check_bleu(golden, "several", corpus_bleu(corpus.hypotheses, corpus.references));
  std::vector<Ids> shifted(corpus.first.begin() + 1, corpus.first.end());
  shifted.push_back(corpus.first.front());
  check_bleu(golden, "unrelated", corpus_bleu(corpus.hypotheses, shifted));

  const auto plain = golden.numbers("sentence.scores"), effective = golden.numbers("sentence_effective.scores");
  REQUIRE(plain.size() == corpus.hypotheses.size());
  for (std::size_t n = 0; n < plain.size(); ++n) {
    CAPTURE(n);
    Bleu sentence;
    sentence.add(corpus.hypotheses[n], corpus.references[n]);
    check_close("sentence", sentence.score().score, plain[n]);
    check_close("effective order", sentence.score({.effective_order = true}).score, effective[n]);
  }
  golden.check_all_read();
}
