// What encoder-decoder models write: searches side by side, and that they are what training has trained.
#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/layer/multi_head_attention.hpp>
#include <unroll/testing/check_gradient.hpp>
#include <unroll/train/evaluate.hpp>
#include <unroll/train/translate.hpp>

#include "../io/support.hpp"
#include "../wiring/encoder_decoders.hpp"

namespace translate_test {

using namespace unroll;
using namespace encoder_decoders;
using Ids = std::vector<std::int32_t>;

constexpr std::int32_t V = 8;
const std::vector<Ids> sources{{4, 5, 6}, {7}, {8, 4, 4, 5, 6, 7}, {5, 8}, {6, 6, 6, 4}};

TokenBatch batch_of(const std::vector<Ids>& sequences) {
  std::vector<Index> rows;
  for (std::size_t k = 0; k < sequences.size(); ++k) rows.push_back(static_cast<Index>(k));
  TokenBatch batch;
  TokenDataset(sequences).fill(rows, batch);
  return batch;
}
template <class M> M made(double scale = 1.3) {
  M model;
  randomize(model, Rng(7), scale);
  return model;
}

/// log p of a target's tokens and, where `ends`, of its end, by the forward pass of training.
template <class M> double log_p_of(const M& model, const Ids& source, const Ids& target, bool ends) {
  Ids said{TextEncoding::bos};
  said.insert(said.end(), target.begin(), target.end());
  Inputs<TokenBatch, TokenBatch> x{{batch_of(std::vector<Ids>{source}), batch_of(std::vector<Ids>{said})}};
  CacheFor<M, Inputs<TokenBatch, TokenBatch>> cache;
  const auto& y = model.forward(Context{.gradients = true}, x, cache);
  detail::TokenLogits<M> logits(model);
  const Matrix<double> all = logits(y);
  double sum = 0;
  for (std::size_t t = 0; t < target.size() + (ends ? 1 : 0); ++t) {
    const auto column = all.col(static_cast<Index>(t));
    const double most = column.maxCoeff();
    const std::int32_t id = t < target.size() ? target[t] : TextEncoding::eos;
    sum += column[id] - most - std::log((column.array() - most).exp().sum());
  }
  return sum;
}

template <class M> std::vector<std::vector<Hypothesis>> searched(const M& model, const TranslateOptions& options) {
  return translate(model, std::span(sources), options);
}

TEST_CASE_TEMPLATE("the gradient of encoder-decoder models: ragged, empty and short", M, Plain<double>, Bridged<double>,
                   Fed<double>) {
  const Inputs<TokenBatch, TokenBatch> x{{batch_of(std::vector<Ids>{{4, 5, 6, 8}, {7}, {8, 3}, {}}),
                                          batch_of(std::vector<Ids>{{2, 7, 4}, {}, {2, 6, 4, 5, 7}, {2}})}};
  M model;
  randomize(model, Rng(3));
  const auto report = check_gradient(model, x);
  INFO(report.str());
  CHECK(report.passed());
}

TEST_CASE_TEMPLATE("step by step the probabilities are those of training", M, Plain<double>, Bridged<double>,
                   Fed<double>) {
  const auto model = made<M>();
  for (const Index width : {1, 4}) {
    const auto found = searched(model, {.width = width, .n_best = width});
    for (std::size_t k = 0; k < sources.size(); ++k)
      for (const Hypothesis& text : found[k]) {
        CAPTURE(text.ids.size());
        CHECK(text.log_probability ==
              doctest::Approx(log_p_of(model, sources[k], text.ids, text.stopped)).epsilon(1e-10));
      }
  }
}

TEST_CASE_TEMPLATE("what is found for a source does not depend on its company, on batches or threads", M, Plain<float>,
                   Bridged<float>, Fed<float>) {
  const auto model = made<M>();
  const TranslateOptions options{
      .width = 3, .n_best = 3, .length_penalty = 0.7, .coverage_penalty = 0.2, .alignments = true};
  const auto together = searched(model, options);
  TranslateOptions in_pairs = options;
  in_pairs.batch_size = 2;
  CHECK(searched(model, in_pairs) == together);
  CHECK(translate(model, batch_of(sources), options) == together);  // in the order of the sources, not of lengths
  for (std::size_t k = 0; k < sources.size(); ++k)
    CHECK(translate(model, std::span<const std::int32_t>(sources[k]), options) == together[k]);
  const int before = threads();
  for (const int n : {1, 3}) {
    set_threads(n);
    CHECK(searched(model, options) == together);
  }
  set_threads(before);
}

TEST_CASE_TEMPLATE("a beam of one is greedy", M, Plain<double>, Bridged<double>) {
  const auto model = made<M>();
  const auto found = searched(model, {.width = 1, .length_penalty = 1, .forbidden = {}});
  for (std::size_t k = 0; k < sources.size(); ++k) {
    Ids text;
    bool stopped = false;
    for (const std::size_t most = 2 * sources[k].size() + 10; text.size() < most && !stopped;) {
      std::vector<double> log_p;
      for (std::int32_t id = 0; id < V; ++id) {
        Ids longer = text;
        longer.push_back(id);
        log_p.push_back(log_p_of(model, sources[k], longer, false));
      }
      text.push_back(static_cast<std::int32_t>(std::ranges::max_element(log_p) - log_p.begin()));
      stopped = text.back() == TextEncoding::eos;
    }
    if (stopped) text.pop_back();
    CHECK(found[k].front().ids == text);
    CHECK(found[k].front().stopped == stopped);
  }
}

TEST_CASE("a wide beam finds the best of all texts") {
  const auto model = made<Bridged<double>>(0.9);
  for (const double length_penalty : {0.0, 1.0}) {
    // Of 4, 5 and the end, three tokens at most: 8 beginnings at once.
    const TranslateOptions options{.width = 8,
                                   .n_best = 8,
                                   .max_ratio = 0,
                                   .max_more = 3,
                                   .length_penalty = length_penalty,
                                   .forbidden = {0, 1, 2, 6, 7}};
    const auto found = translate(model, std::span<const std::int32_t>(sources[0]), options);
    std::vector<Hypothesis> all;
    for (const Ids& text : std::vector<Ids>{{},
                                            {4},
                                            {5},
                                            {4, 4},
                                            {4, 5},
                                            {5, 4},
                                            {5, 5},
                                            {4, 4, 4},
                                            {4, 4, 5},
                                            {4, 5, 4},
                                            {4, 5, 5},
                                            {5, 4, 4},
                                            {5, 4, 5},
                                            {5, 5, 4},
                                            {5, 5, 5}}) {
      const bool stopped = text.size() < 3;
      const double p = log_p_of(model, sources[0], text, stopped);
      const double tokens = static_cast<double>(text.size()) + (stopped ? 1 : 0);
      all.push_back({text, p, p / std::pow((5 + tokens) / 6, length_penalty), stopped});
    }
    std::ranges::sort(all, std::greater<>(), &Hypothesis::score);
    REQUIRE(found.size() == 8);
    for (std::size_t k = 0; k < found.size(); ++k) {
      CHECK(found[k].ids == all[k].ids);
      CHECK(found[k].score == doctest::Approx(all[k].score).epsilon(1e-10));
      CHECK(found[k].stopped == all[k].stopped);
    }
  }
}

TEST_CASE("a text is as long as its source allows") {
  auto model = made<Plain<double>>();
  model.head.bias(TextEncoding::eos, 0) = -1e6;
  const auto found = searched(model, {.width = 2, .max_ratio = 1.5, .max_more = 2});
  for (std::size_t k = 0; k < sources.size(); ++k) {
    CHECK(found[k].front().ids.size() == 2 + 3 * sources[k].size() / 2);
    CHECK_FALSE(found[k].front().stopped);
  }
}

/// How much each token of a target, and its end, looks at the source, by the forward pass of training.
using Alignment = std::vector<std::vector<double>>;
template <class M> Alignment looks_of(const M& model, const Ids& source, const Ids& target) {
  Ids said{TextEncoding::bos};
  said.insert(said.end(), target.begin(), target.end());
  Inputs<TokenBatch, TokenBatch> x{{batch_of(std::vector<Ids>{source}), batch_of(std::vector<Ids>{said})}};
  CacheFor<M, Inputs<TokenBatch, TokenBatch>> cache;
  model.forward(Context{.gradients = true}, x, cache);
  const auto& read = output_of<PackedSequence<double>>(cache, model.encoder);
  const auto& h = output_of<PackedSequence<double>>(cache, model.decoder);
  Matrix<double> w;
  if constexpr (requires { model.tanh; }) {  // asks by the state before
    PackedSequence<double> before = h;
    before.values.col(0) = output_of<Matrix<double>>(cache, model.tanh).col(0);
    for (Index t = 1; t < h.values.cols(); ++t) before.values.col(t) = h.values.col(t - 1);
    w = model.decoder.cell.attend.weights(before, read);
  } else {
    w = dot_attention_weights(h, read);
  }
  Alignment all;
  for (Index t = 0; t < w.cols(); ++t) all.emplace_back(w.col(t).begin(), w.col(t).end());
  return all;
}

TEST_CASE_TEMPLATE("alignments are the weights of training's attention, in a cell or after it", M, Plain<double>,
                   Bridged<double>) {
  const auto model = made<M>();
  for (const Index width : {1, 4}) {
    const auto found = searched(model, {.width = width, .n_best = width, .alignments = true});
    for (std::size_t k = 0; k < sources.size(); ++k)
      for (const Hypothesis& text : found[k]) {
        const auto expected = looks_of(model, sources[k], text.ids);
        REQUIRE(text.alignment.size() == text.ids.size());
        for (std::size_t t = 0; t < text.ids.size(); ++t) {
          REQUIRE(text.alignment[t].size() == sources[k].size());
          for (std::size_t s = 0; s < sources[k].size(); ++s)
            CHECK(text.alignment[t][s] == doctest::Approx(expected[t][s]).epsilon(1e-10));
        }
      }
    auto without = found;
    for (auto& texts : without)
      for (Hypothesis& text : texts) text.alignment.clear();
    CHECK(searched(model, {.width = width, .n_best = width}) == without);
  }
}

/// Two looks at the source, by a layer and by several heads.
struct Looks : EncoderDecoder<Looks, double> {
  Embedding<double> source{9, 4}, target{8, 4};
  Recurrent<Gru<double>> encoder{Gru<double>{4, 6}}, decoder{Gru<double>{4, 6}};
  AdditiveAttention<double> add{6, 6, 5};
  MultiHeadAttention<double> heads{6, 6, 6, 3};
  Dense<double> head{18, 8};
  UNROLL_PARTS(source, target, encoder, decoder, add, heads, head)
  auto encode(Wiring& run, Node<TokenBatch> x) const { return run(encoder, run(source, x)); }
  auto decode(Wiring& run, const auto& read, Node<TokenBatch> y) const {
    const auto h = run(decoder, run(target, y), from(read.state));
    return run(head, concat_rows(h, run(add, h, read), run(heads, h, read)));
  }
};

TEST_CASE("of several looks the alignment is the mean") {
  const auto model = made<Looks>();
  const auto text = translate(model, std::span<const std::int32_t>(sources[2]), {.alignments = true}).front();
  REQUIRE(text.ids.size() > 1);
  Ids said{TextEncoding::bos};
  said.insert(said.end(), text.ids.begin(), text.ids.end());
  Inputs<TokenBatch, TokenBatch> x{{batch_of(std::vector<Ids>{sources[2]}), batch_of(std::vector<Ids>{said})}};
  CacheFor<Looks, Inputs<TokenBatch, TokenBatch>> cache;
  model.forward(Context{.gradients = true}, x, cache);
  const auto& read = output_of<PackedSequence<double>>(cache, model.encoder);
  const auto& h = output_of<PackedSequence<double>>(cache, model.decoder);
  const Matrix<double> w = (model.add.weights(h, read) + model.heads.weights(h, read)) / 2;
  for (std::size_t t = 0; t < text.ids.size(); ++t)
    for (std::size_t s = 0; s < 6; ++s)
      CHECK(text.alignment[t][s] == doctest::Approx(w(static_cast<Index>(s), static_cast<Index>(t))).epsilon(1e-10));
}

TEST_CASE("a coverage penalty is what the source was not looked at, for every text") {
  const auto model = made<Plain<double>>(0.9);
  const TranslateOptions options{.width = 8,
                                 .n_best = 8,
                                 .max_ratio = 0,
                                 .max_more = 3,
                                 .length_penalty = 1,
                                 .coverage_penalty = 0.6,
                                 .forbidden = {0, 1, 2, 6, 7}};
  for (const Ids& source : {sources[0], sources[2]}) {
    const auto found = translate(model, std::span<const std::int32_t>(source), options);
    std::vector<Hypothesis> all;
    std::vector<Ids> texts{{}};
    for (std::size_t k = 0; k < texts.size(); ++k) {
      const Ids text = texts[k];
      for (const std::int32_t id : {4, 5})
        if (text.size() < 3) texts.push_back(text), texts.back().push_back(id);
      const bool stopped = text.size() < 3;
      Alignment looked = looks_of(model, source, text);
      if (!stopped) looked.pop_back();
      double coverage = 0;
      for (std::size_t i = 0; i < source.size(); ++i) {
        double covered = 0;
        for (const auto& of_token : looked) covered += of_token[i];
        coverage += std::log(std::min(covered, 1.0));
      }
      const double p = log_p_of(model, source, text, stopped);
      all.push_back({text, p, p / ((5 + static_cast<double>(looked.size())) / 6) + 0.6 * coverage, stopped});
    }
    std::ranges::sort(all, std::greater<>(), &Hypothesis::score);
    REQUIRE(all.size() == 15);
    for (std::size_t k = 0; k < found.size(); ++k) {
      CHECK(found[k].ids == all[k].ids);
      CHECK(found[k].score == doctest::Approx(all[k].score).epsilon(1e-10));
      CHECK(found[k].alignment.empty());
    }
  }
  // greedy stays greedy
  const auto greedy = searched(model, {.width = 1});
  CHECK(searched(model, {.width = 1, .coverage_penalty = 5}) == greedy);
}

/// decode looks back by its first state alone.
struct Blind : EncoderDecoder<Blind> {
  Embedding<> source{9, 4}, target{8, 5};
  Recurrent<Gru<>> encoder{Gru{4, 6}}, decoder{Gru{5, 6}};
  Dense<> head{6, 8};
  UNROLL_PARTS(source, target, encoder, decoder, head)
  auto encode(Wiring& run, Node<TokenBatch> x) const { return run(encoder, run(source, x)); }
  auto decode(Wiring& run, const auto& read, Node<TokenBatch> y) const {
    return run(head, run(decoder, run(target, y), from(read.state)));
  }
};
/// decode looks at the source and at itself.
struct Squints : EncoderDecoder<Squints> {
  Embedding<> source{9, 5}, target{8, 5};
  Recurrent<Gru<>> encoder{Gru{5, 5}}, decoder{Gru{5, 5}};
  Dense<> head{10, 8};
  UNROLL_PARTS(source, target, encoder, decoder, head)
  auto encode(Wiring& run, Node<TokenBatch> x) const { return run(encoder, run(source, x)); }
  auto decode(Wiring& run, const auto& read, Node<TokenBatch> y) const {
    const auto h = run(decoder, run(target, y), from(read.state));
    const auto found = dot_attention(h, read), again = dot_attention(h, h);
    return run(head, concat_rows(found, again));
  }
};

/// decode reads the text from its end.
struct Backward : EncoderDecoder<Backward> {
  Embedding<> source{9, 4}, target{8, 5};
  Recurrent<Gru<>> encoder{Gru{4, 6}}, decoder{Gru{5, 6}, {.reverse = true}};
  Dense<> head{6, 8};
  UNROLL_PARTS(source, target, encoder, decoder, head)
  auto encode(Wiring& run, Node<TokenBatch> x) const { return run(encoder, run(source, x)); }
  auto decode(Wiring& run, const auto& read, Node<TokenBatch> y) const {
    return run(head, run(decoder, run(target, y), from(read.state)));
  }
};
struct Twice : EncoderDecoder<Twice> {
  Embedding<> source{9, 5}, target{8, 5};
  Recurrent<Gru<>> both{Gru{5, 5}};
  Dense<> head{5, 8};
  UNROLL_PARTS(source, target, both, head)
  auto encode(Wiring& run, Node<TokenBatch> x) const { return run(both, run(source, x)); }
  auto decode(Wiring& run, const auto& read, Node<TokenBatch> y) const {
    return run(head, run(both, run(both, run(target, y), from(read.state))));
  }
};

TEST_CASE("translate refuses what cannot be") {
  const auto model = made<Plain<float>>();
  const auto refused = [&](const TranslateOptions& options, const std::vector<Ids>& of = sources) {
    return message_of<std::invalid_argument>([&] { translate(model, std::span(of), options); });
  };
  CHECK(refused({}, {{4}, {}}) == "translate: source 1 has no token");
  CHECK(refused({.width = 0}) == "translate: width is 0, expected 1 or more");
  CHECK(refused({.width = 9}) == "translate: a width of 9, expected at most the vocabulary's 8");
  CHECK(refused({.width = 2, .n_best = 3}) == "translate: n_best is 3, expected at most the width, 2");
  CHECK(refused({.max_ratio = -1}) == "translate: max_ratio is -1, expected 0 or more");
  CHECK(refused({.max_more = 0}) == "translate: max_more is 0, expected 1 or more");
  CHECK(refused({.end = 8}) == "translate: stop token 8, expected 0 to 7");
  CHECK(refused({.coverage_penalty = -1}) == "translate: coverage_penalty is -1, expected 0 or more");
  CHECK(refused({.batch_size = 0}) == "translate: batch_size is 0, expected 1 or more");
  CHECK(translate(model, std::span<const Ids>()).empty());
  const auto message = [&](const auto& of) {
    return message_of<std::invalid_argument>([&] { translate(of, std::span(sources)); });
  };
  CHECK(message(made<Backward>()) == "translate: Recurrent<Gru> 5 -> 6, reverse reads its sequence from the end");
  const std::string no_attention =
      "translate: decode calls no attention whose weights can be seen, expected dot_attention, MultiHeadAttention, "
      "AdditiveAttention or another that is made of them, for a coverage penalty or alignments";
  for (const TranslateOptions& how : {TranslateOptions{.coverage_penalty = 0.1}, TranslateOptions{.alignments = true}})
    CHECK(message_of<std::invalid_argument>([&] { translate(made<Blind>(), std::span(sources), how); }) ==
          no_attention);
  CHECK(message_of<std::invalid_argument>([&] {
          translate(made<Squints>(), std::span(sources), {.alignments = true});
        }).starts_with("AttentionRecord: one call looks at 6 steps and another at 1 for the same query"));
  CHECK(message(made<Twice>()) == "translate: decode calls Recurrent<Gru> 5 -> 5 twice, but it has one state");
}

}  // namespace translate_test
