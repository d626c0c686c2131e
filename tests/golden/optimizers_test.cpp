// Ten steps of a small bidirectional classifier: losses, norms and weights, with PyTorch's optimizers and Keras's. Rows
// of the embedding are touched in the first steps only, or never: their moments move them all the same.
#include <sstream>

#include <nlohmann/json.hpp>

#include <unroll/cell/lstm.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/optim/clip.hpp>
#include <unroll/optim/optimizer.hpp>
#include <unroll/optim/schedule.hpp>

#include "golden.hpp"

namespace golden_optimizers {

using namespace unroll;
using Json = nlohmann::json;
using Classifier = Sequential<Embedding<double>, FinalState<Bidirectional<Lstm<double>>>, Dense<double>>;
constexpr Index B = 4, T = 6, V = 11, D = 3, H = 5, C = 2;

Classifier make_classifier(Bias bias, std::int32_t padding) {
  return Classifier{Embedding<double>(V, D, {.padding = padding}),
                    FinalState(Bidirectional(Lstm<double>(D, H), {.bias = bias})), Dense<double>(2 * H, C)};
}

/// The part of (10, B, ..) integers that belongs to batch k.
template <class Integer> std::vector<Integer> batch_of(const Golden& golden, const std::string& name, std::size_t k) {
  const auto all = golden.integers<Integer>(name);
  const auto size = static_cast<std::ptrdiff_t>(all.size() / 10), first = static_cast<std::ptrdiff_t>(k) * size;
  return {all.begin() + first, all.begin() + first + size};
}

template <class R, class Clip>
void train(const Golden& golden, const std::string& variant, Classifier model, R rule, const Json& options, Clip clip) {
  CAPTURE(variant);
  golden.load(model);
  const int thaw_before = options.value("thaw_embedding_before_step", 0);
  if (thaw_before > 0) freeze(model, "0.*");
  Optimizer optimizer(model, rule);
  if (options.value("groups", false))
    optimizer.group("*bias*", {.weight_decay = 0}).group("0.weight", {.rate_scale = 0.01 / rule.rate});
  const ExponentialDecay schedule{.factor = options.value("gamma", 1.0)};
  const auto losses = golden.numbers(variant + ".losses");

  CacheFor<Classifier, TokenBatch> cache;
  Matrix<double> d_logits;
  Classifier gradient = zeros_like(model);
  for (int step = 1; step <= 10; ++step) {
    const auto k = static_cast<std::size_t>(step - 1);
    if (step == thaw_before) {
      thaw(model, "0.*");
      gradient = zeros_like(model);
    }
    const auto ids = batch_of<std::int32_t>(golden, "ids", k);
    const auto lengths = batch_of<Index>(golden, "lengths", k);
    const auto x = pack(ids, B, 0);
    REQUIRE(x.packing == Packing::from_lengths(lengths, T));
    const auto labels = batch_of<Index>(golden, "labels", k);
    const auto& logits = model.forward({.training = true}, x, cache);
    CAPTURE(step);
    check_close("loss", cross_entropy(logits, labels, d_logits), losses[k]);
    model.backward(x, d_logits, cache, gradient);
    const double norm = clip(gradient);
    if (golden.contains(variant + ".norms")) check_close("norm", norm, golden.numbers(variant + ".norms")[k]);
    optimizer.set_rate(schedule.rate(rule.rate, step - 1));
    optimizer.step(model, gradient);
    set_zero(gradient);
    if (step == 1 || step == 2 || step == 10)
      golden.check_parameters(model, concat_text(variant, ".after_", step, "."));
  }
}

TEST_CASE("ten steps with each optimizer follow PyTorch's losses, norms and weights") {
  const Golden golden("pytorch_optimizers");
  const Classifier model = make_classifier(Bias::dual, 0);
  std::istringstream variants(golden.metadata("variants"));
  for (std::string variant; variants >> variant;) {
    const auto o = Json::parse(golden.metadata("options." + variant));
    const double rate = o.at("lr"), decay = o.value("weight_decay", 0.0), momentum = o.value("momentum", 0.0);
    const auto clip = [&](Classifier& gradient) {
      return o.contains("max_norm") ? clip_by_global_norm(gradient, o.at("max_norm"), {.epsilon = 1e-6}) : 0;
    };
    const auto run = [&](const auto& rule) { train(golden, variant, model, rule, o, clip); };
    const auto betas = o.value("betas", std::vector<double>{0.9, 0.999});
    const std::string name = o.at("optimizer");
    if (name == "SGD") {
      run(Sgd{.rate = rate, .momentum = momentum, .nesterov = o.value("nesterov", false), .weight_decay = decay});
    } else if (name == "RMSprop") {
      run(RmsProp{.rate = rate, .rho = o.at("alpha"), .momentum = momentum, .weight_decay = decay});
    } else if (name == "Adam") {
      run(Adam{
          .rate = rate, .beta1 = betas[0], .beta2 = betas[1], .epsilon = o.value("eps", 1e-8), .weight_decay = decay});
    } else {
      REQUIRE(name == "AdamW");
      run(AdamW{.rate = rate, .weight_decay = decay});
    }
  }
  golden.check_all_read();
}

TEST_CASE("ten steps with each optimizer follow Keras's losses and weights") {
  const Golden golden("keras_optimizers");
  const Classifier model = make_classifier(Bias::single, -1);
  std::istringstream variants(golden.metadata("variants"));
  for (std::string variant; variants >> variant;) {
    const auto o = Json::parse(golden.metadata("options." + variant));
    const double rate = o.at("learning_rate");
    const auto clip = [&](Classifier& gradient) {
      if (o.contains("clipnorm")) return clip_each_by_norm(gradient, o.at("clipnorm"));
      if (o.contains("global_clipnorm")) return clip_by_global_norm(gradient, o.at("global_clipnorm"));
      if (o.contains("clipvalue")) clip_by_value(gradient, o.at("clipvalue"));
      return 0.0;
    };
    const auto run = [&](const auto& rule) { train(golden, variant, model, rule, o, clip); };
    const std::string name = o.at("optimizer");
    if (name == "SGD") {
      auto rule = Sgd::keras(rate);
      rule.momentum = o.value("momentum", 0.0);
      rule.nesterov = o.value("nesterov", false);
      run(rule);
    } else if (name == "RMSprop") {
      run(RmsProp::keras(rate));
    } else {
      REQUIRE(name == "Adam");
      auto rule = Adam::keras(rate);
      rule.beta1 = o.at("beta_1");
      rule.beta2 = o.at("beta_2");
      rule.epsilon = o.value("epsilon", rule.epsilon);
      rule.weight_decay = o.value("weight_decay", 0.0);
      run(rule);
    }
  }
  golden.check_all_read();
}

}  // namespace golden_optimizers
