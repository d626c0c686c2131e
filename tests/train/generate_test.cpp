// What a language model writes: sampling, beam search, and the scores of texts.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <span>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/core/thread_pool.hpp>
#include <unroll/head/softmax_classifier.hpp>
#include <unroll/layer/any_sequential.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/testing/check_gradient.hpp>
#include <unroll/train/beam_search.hpp>
#include <unroll/train/generate.hpp>
#include <unroll/train/infer.hpp>

#include "../io/support.hpp"

using namespace unroll;

namespace generate_test {

using Ids = std::vector<std::int32_t>;

auto small_model(Index V = 6, double scale = 1.2) {
  Sequential model{Embedding<double>{V, 5}, Recurrent{Gru<double>{5, 7}}, Dense<double>{7, V}};
  randomize(model, Rng(3), scale);
  return model;
}
/// log p of each next token after ids, from the whole text at once.
template <class M> Matrix<double> log_p_after(const M& model, const Ids& ids) {
  Matrix<double> y = infer(model, std::span<const std::int32_t>(ids)).template cast<double>();
  for (Index t = 0; t < y.cols(); ++t) {
    const double most = y.col(t).maxCoeff();
    y.col(t).array() -= most + std::log((y.col(t).array() - most).exp().sum());
  }
  return y;
}
template <class M> double log_p_of(const M& model, const Ids& prompt, const Ids& text) {
  Ids all = prompt;
  all.insert(all.end(), text.begin(), text.end());
  const Matrix<double> y = log_p_after(model, all);
  double sum = 0;
  for (std::size_t k = 0; k < text.size(); ++k) sum += y(text[k], static_cast<Index>(prompt.size() + k) - 1);
  return sum;
}

/// How often each id is chosen.
std::map<std::int32_t, double> shares(const std::vector<double>& logits, const SamplingOptions& options,
                                      const Ids& so_far = {}) {
  constexpr int n = 40000;
  std::map<std::int32_t, double> found;
  detail::Sampling sampling;
  Rng rng(7);
  for (int k = 0; k < n; ++k) found[sampling.choose(logits, so_far, options, rng)] += 1.0 / n;
  return found;
}
void check_shares(std::map<std::int32_t, double> got, const std::map<std::int32_t, double>& expected) {
  CHECK(got.size() == expected.size());
  for (const auto& [id, share] : expected) CHECK(got[id] == doctest::Approx(share).epsilon(0.03));
}

TEST_CASE("sampling draws from softmax(logits / temperature) of the tokens that are left") {
  const std::vector<double> logits{std::log(0.1), std::log(0.2), std::log(0.4), std::log(0.3)};
  check_shares(shares(logits, {}), {{0, 0.1}, {1, 0.2}, {2, 0.4}, {3, 0.3}});
  check_shares(shares(logits, {.temperature = 0.5}), {{0, 1 / 30.0}, {1, 4 / 30.0}, {2, 16 / 30.0}, {3, 9 / 30.0}});
  check_shares(shares(logits, {.temperature = 0}), {{2, 1}});
  check_shares(shares(logits, {.top_k = 2}), {{2, 4 / 7.0}, {3, 3 / 7.0}});
  check_shares(shares(logits, {.top_p = 0.69}), {{2, 4 / 7.0}, {3, 3 / 7.0}});
  check_shares(shares(logits, {.top_p = 0.71}), {{1, 2 / 9.0}, {2, 4 / 9.0}, {3, 3 / 9.0}});
  check_shares(shares(logits, {.top_k = 3, .top_p = 0.5}), {{2, 4 / 7.0}, {3, 3 / 7.0}});  // of the three
  check_shares(shares(logits, {.top_p = 1e-9}), {{2, 1}});
  check_shares(shares(logits, {.forbidden = {2, 0}}), {{1, 0.4}, {3, 0.6}});
  check_shares(shares(logits, {.temperature = 1e308, .forbidden = {2, 0}}), {{1, 0.5}, {3, 0.5}});
  check_shares(shares({1, -1, 0.5}, {.temperature = 0, .repetition_penalty = 3}, {0}), {{2, 1}});
  check_shares(shares({-2, -1, -3}, {.temperature = 0, .repetition_penalty = 4}, {1, 1}), {{0, 1}});
  check_shares(shares({0, 0, 0}, {.temperature = 0}), {{0, 1}});
  check_shares(shares({5, 5, 5, 1}, {.top_k = 2}), {{0, 0.5}, {1, 0.5}});
}

TEST_CASE("sampling refuses what is none") {
  const auto refused = [](const std::vector<double>& logits, const SamplingOptions& options) {
    return message_of<std::invalid_argument>([&] {
      Rng rng(1);
      detail::Sampling().choose(logits, {}, options, rng);
    });
  };
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(refused({1, 2}, {.temperature = -1}) == "generate: temperature is -1, expected 0 or more");
  CHECK(refused({1, 2}, {.temperature = nan}).starts_with("generate: temperature is "));
  CHECK(refused({1, 2}, {.top_k = -1}) == "generate: top_k is -1, expected 0 or more");
  CHECK(refused({1, 2}, {.top_p = 0}) == "generate: top_p is 0, expected above 0, at most 1");
  CHECK(refused({1, 2}, {.repetition_penalty = 0}) == "generate: repetition_penalty is 0, expected 0.01 to 100");
  CHECK(refused({1, 2}, {.forbidden = {2}}) == "generate: forbidden token 2, expected 0 to 1");
  CHECK(refused({1, 2}, {.forbidden = {1, 0}}) == "generate: every token is forbidden");
  CHECK(refused({1, nan}, {}).starts_with("a language model's logit of token 1 is "));
  CHECK(refused({-std::numeric_limits<double>::infinity()}, {}).starts_with("a language model's logit of token 0 is "));
}

TEST_CASE("a model writes on from its prompt what it says after all tokens so far") {
  const auto model = small_model();
  const Ids prompt{2, 4};
  Ids seen;
  const auto text = generate(model, prompt, {.max_tokens = 12, .sampling = {.temperature = 0}},
                             [&](std::int32_t id) { seen.push_back(id); });
  CHECK(text.ids == seen);
  CHECK_FALSE(text.stopped);
  Ids all = prompt;
  for (const std::int32_t id : text.ids) {
    Index best = 0;
    log_p_after(model, all).rightCols(1).col(0).maxCoeff(&best);
    CHECK(id == best);
    all.push_back(id);
  }
  CHECK(text.log_probability == doctest::Approx(log_p_of(model, prompt, text.ids)).epsilon(1e-12));

  const auto some = generate(model, prompt, {.max_tokens = 30, .seed = 5});
  CHECK(generate(model, prompt, {.max_tokens = 30, .seed = 5}).ids == some.ids);
  CHECK(generate(model, prompt, {.max_tokens = 30, .seed = 6}).ids != some.ids);
  const int before = threads();
  set_threads(3);
  CHECK(generate(model, prompt, {.max_tokens = 30, .seed = 5}).ids == some.ids);
  set_threads(before);

  const auto stopped = generate(model, prompt, {.max_tokens = 30, .stop = {some.ids[3]}, .seed = 5});
  CHECK(stopped.stopped);
  CHECK(stopped.ids.back() == some.ids[3]);
  CHECK(generate(model, prompt, {.max_tokens = 30}, [n = 0](std::int32_t) mutable { return ++n < 4; }).ids.size() == 4);
  CHECK(generate(model, prompt, {.max_tokens = 0}).ids.empty());
}

TEST_CASE("texts that are written side by side are those that are written alone") {
  const auto model = small_model();
  std::vector<Ids> prompts{{2, 4}, {1}, {}, {5, 0, 3, 3}, {2, 4}};
  for (std::int32_t k = 0; k < 140; ++k) prompts[2].push_back(k * k % 6);  // more than a window of five holds of each
  const int before = threads();
  for (const int n : {1, 3}) {
    set_threads(n);
    for (const GenerateOptions& options : {GenerateOptions{.max_tokens = 20, .stop = {0}, .seed = 3},
                                           GenerateOptions{.max_tokens = 7, .sampling = {.repetition_penalty = 2}}}) {
      const auto texts = generate(model, prompts, options);
      REQUIRE(texts.size() == prompts.size());
      std::set<std::size_t> lengths;
      for (std::size_t k = 0; k < prompts.size(); ++k) {
        GenerateOptions alone = options;
        alone.seed = Rng(options.seed).child(k).seed();
        const auto expected = generate(model, prompts[k], alone);
        CHECK(texts[k].ids == expected.ids);
        CHECK(texts[k].stopped == expected.stopped);
        CHECK(texts[k].log_probability == doctest::Approx(expected.log_probability).epsilon(1e-12));
        lengths.insert(texts[k].ids.size());
      }
      if (!options.stop.empty()) CHECK(lengths.size() > 2);  // they end at different times
      CHECK(texts[0].ids != texts[4].ids);                   // though their prompts are the same
      const auto fewer = generate(model, std::span(prompts).first(2), options);
      CHECK(fewer[1].ids == texts[1].ids);
    }
  }
  set_threads(before);
  CHECK(generate(model, std::vector<Ids>{}).empty());
  CHECK(generate(model, prompts, {.max_tokens = 0})[3].ids.empty());
  CHECK_THROWS_WITH_AS(generate(model, std::span(prompts).first(0), {.max_tokens = -3}),
                       "generate: max_tokens is -3, expected 0 or more", std::invalid_argument);
  CHECK(message_of<std::invalid_argument>([&] {
          generate(model, std::vector<Ids>{{1}, {}});
        }).starts_with("generate: an empty prompt"));
  CHECK(message_of<std::invalid_argument>([&] { generate(model, std::vector<Ids>{{1}, {6}}); }).find("6") !=
        std::string::npos);
}

TEST_CASE("what a model is asked to write from is checked") {
  const auto model = small_model();
  const auto refused = [&](const Ids& prompt, const GenerateOptions& options) {
    return message_of<std::invalid_argument>([&] { generate(model, prompt, options); });
  };
  CHECK(refused({}, {}).starts_with("generate: an empty prompt"));
  CHECK(refused({6}, {}).find("6") != std::string::npos);
  CHECK(refused({1}, {.stop = {6}}) == "generate: stop token 6, expected 0 to 5");
  CHECK(refused({1}, {.max_tokens = -1}) == "generate: max_tokens is -1, expected 0 or more");
  AnySequential<PackedSequence<double>> any;
  any.add(Embedding<double>{6, 5}).add(Bidirectional{Gru<double>{5, 7}}).add(Dense<double>{14, 6});
  CHECK(message_of<std::invalid_argument>([&] { generate(any, Ids{1}); }).find("layer 1, Bidirectional") !=
        std::string::npos);
  const Sequential back{Embedding<double>{6, 5}, Recurrent{Gru<double>{5, 7}, {.reverse = true}}, Dense<double>{7, 6}};
  CHECK(message_of<std::invalid_argument>([&] { generate(back, Ids{1}); }).find("reads its sequence from the end") !=
        std::string::npos);
}

TEST_CASE("the scores of a text are those of its tokens, in any windows, and of a head") {
  const auto model = small_model();
  Ids ids;
  for (int k = 0; k < 600; ++k) ids.push_back(static_cast<std::int32_t>(k * k % 6));
  const auto all = log_probabilities(model, ids);
  REQUIRE(all.size() == ids.size() - 1);
  const Matrix<double> expected = log_p_after(model, ids);
  double sum = 0;
  for (std::size_t k = 0; k < all.size(); ++k) {
    CHECK(all[k] == doctest::Approx(expected(ids[k + 1], static_cast<Index>(k))).epsilon(1e-12));
    sum += all[k];
  }
  CHECK(perplexity(model, ids) == doctest::Approx(std::exp(-sum / static_cast<double>(all.size()))));
  CHECK(perplexity(model, Ids{3}) == 1);
  CHECK(message_of<std::invalid_argument>([&] { log_probabilities(model, Ids{}); }) ==
        "log_probabilities: a text without a token");

  Sequential with_head{Embedding<double>{6, 7}, Recurrent{Lstm<double>{7, 7}},
                       SoftmaxClassifier<double>{7, 6, {.tied = true}}};
  randomize(with_head, Rng(4), 0.8);
  Sequential plain{std::get<0>(with_head.layers), std::get<1>(with_head.layers), Dense<double>{7, 6}};
  std::get<2>(plain.layers).weight = std::get<0>(with_head.layers).weight.transpose();
  std::get<2>(plain.layers).bias = std::get<2>(with_head.layers).bias;
  const auto of_head = log_probabilities(with_head, ids), of_plain = log_probabilities(plain, ids);
  for (std::size_t k = 0; k < of_head.size(); ++k) CHECK(of_head[k] == doctest::Approx(of_plain[k]).epsilon(1e-9));
  // The same texts, also where most tokens have no probability that a number could hold.
  std::get<2>(with_head.layers).bias *= 500;
  std::get<2>(plain.layers).bias *= 500;
  const GenerateOptions options{.max_tokens = 20, .sampling = {.temperature = 100, .repetition_penalty = 3}, .seed = 3};
  CHECK(generate(with_head, Ids{1}, options).ids == generate(plain, Ids{1}, options).ids);
  CHECK(log_probabilities(with_head, ids).front() ==
        doctest::Approx(log_probabilities(plain, ids).front()).epsilon(1e-9));
}

/// All texts of at most `most` tokens, the best by score first.
template <class M>
std::vector<Hypothesis> all_texts(const M& model, const Ids& prompt, std::int32_t V, const BeamOptions& options) {
  std::vector<Hypothesis> ended;
  std::vector<Ids> open{{}};
  while (!open.empty()) {
    std::vector<Ids> next;
    for (const Ids& text : open)
      for (std::int32_t id = 0; id < V; ++id) {
        Ids longer = text;
        longer.push_back(id);
        const bool stops = std::ranges::find(options.stop, id) != options.stop.end();
        if (stops || std::ssize(longer) == options.max_tokens) {
          const double p = log_p_of(model, prompt, longer);
          ended.push_back(
              {longer, p, p / std::pow((5.0 + static_cast<double>(longer.size())) / 6, options.length_penalty), stops});
        } else {
          next.push_back(longer);
        }
      }
    open = std::move(next);
  }
  std::ranges::sort(ended, [](const auto& a, const auto& b) { return a.score > b.score; });
  return ended;
}

TEST_CASE("a wide beam finds what trying all texts finds") {
  for (const double length_penalty : {0.0, 0.8, 2.0}) {
    const auto model = small_model(4, 1.0);
    BeamOptions options{.width = 4, .n_best = 4, .max_tokens = 4, .length_penalty = length_penalty, .stop = {1}};
    const auto expected = all_texts(model, {2}, 4, options);
    // As wide as there are texts of three tokens: a model of a larger vocabulary, whose other tokens are forbidden.
    auto wide = small_model(40, 0.0);
    std::get<0>(wide.layers).weight.leftCols(4) = std::get<0>(model.layers).weight;
    std::get<1>(wide.layers) = std::get<1>(model.layers);
    std::get<2>(wide.layers).weight.topRows(4) = std::get<2>(model.layers).weight;
    std::get<2>(wide.layers).bias.setConstant(-1e9);
    std::get<2>(wide.layers).bias.topRows(4) = std::get<2>(model.layers).bias;
    options.width = 40;
    for (std::int32_t id = 4; id < 40; ++id) options.forbidden.push_back(id);
    const auto found = beam_search(wide, Ids{2}, options);
    REQUIRE(found.size() == 4);
    for (std::size_t k = 0; k < found.size(); ++k) {
      CHECK(found[k].ids == expected[k].ids);
      CHECK(found[k].score == doctest::Approx(expected[k].score).epsilon(1e-9));
      CHECK(found[k].stopped == expected[k].stopped);
    }
  }
}

TEST_CASE("a beam of one is greedy, and a beam goes on from the states of its texts") {
  const auto model = small_model();
  const auto greedy = generate(model, Ids{3}, {.max_tokens = 15, .sampling = {.temperature = 0}});
  const auto one = beam_search(model, Ids{3}, {.width = 1, .max_tokens = 15});
  CHECK(one.front().ids == greedy.ids);
  CHECK(one.front().log_probability == doctest::Approx(greedy.log_probability));
  const auto several = beam_search(model, Ids{3, 1}, {.width = 5, .n_best = 5, .max_tokens = 9});
  REQUIRE(several.size() == 5);
  for (const Hypothesis& text : several)
    CHECK(text.log_probability == doctest::Approx(log_p_of(model, {3, 1}, text.ids)).epsilon(1e-10));
  CHECK(std::ranges::is_sorted(several, std::greater<>(), &Hypothesis::score));
}

TEST_CASE("beam search refuses what is none") {
  const auto model = small_model();
  const auto refused = [&](const BeamOptions& options, const Ids& prompt = {1}) {
    return message_of<std::invalid_argument>([&] { beam_search(model, prompt, options); });
  };
  CHECK(refused({}, {}).starts_with("beam_search: an empty prompt"));
  CHECK(refused({.forbidden = {0, 1, 2, 3, 4, 5}}) == "beam_search: every token is forbidden");
  CHECK(refused({.width = 0}) == "beam_search: width is 0, expected 1 or more");
  CHECK(refused({.width = 7}) == "beam_search: a width of 7, expected at most the vocabulary's 6");
  CHECK(refused({.width = 2, .n_best = 3}) == "beam_search: n_best is 3, expected at most the width, 2");
  CHECK(refused({.max_tokens = 0}) == "beam_search: max_tokens is 0, expected 1 or more");
  CHECK(refused({.length_penalty = -1}) == "beam_search: length_penalty is -1, expected 0 or more");
  CHECK(refused({.stop = {6}}) == "beam_search: stop token 6, expected 0 to 5");
}

}  // namespace generate_test
