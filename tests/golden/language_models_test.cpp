// Language models with a tied softmax against PyTorch: losses, gradients, and averages of the weights (NT-ASGD).
#include <string>
#include <vector>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/data/contiguous_batches.hpp>
#include <unroll/head/softmax_classifier.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/train/fit.hpp>
#include <unroll/train/weight_average.hpp>

#include "golden.hpp"

namespace golden_language_models {
using namespace unroll;
template <class C>
using LanguageModel = Sequential<Embedding<double>, Recurrent<C>, Recurrent<C>, SoftmaxClassifier<double>>;

/// With the parameters of the file.
template <class C> LanguageModel<C> model_of(const Golden& golden) {
  const Index V = golden.shape("0.weight")[0], D = golden.shape("0.weight")[1], H = golden.shape("1.weight_hh_l0")[1];
  LanguageModel<C> model{Embedding<double>(V, D), Recurrent<C>(C(D, H)), Recurrent<C>(C(H, D)),
                         SoftmaxClassifier<double>(D, V, {.tied = true})};
  golden.load(model);
  return model;
}
TokenStreams streams_of(const Golden& golden) {
  return TokenStreams(golden.integers<std::int32_t>("ids"), {.streams = std::stol(golden.metadata("streams")),
                                                             .window = std::stol(golden.metadata("window"))});
}

template <class C> void check_first_losses(const std::string& name) {
  const Golden golden(name);
  LanguageModel<C> model = model_of<C>(golden);
  const std::vector<double> losses = golden.numbers("losses"), norms = golden.numbers("norms");
  std::size_t k = 0;
  const auto compare = [&](BatchGradient& batch) {
    REQUIRE(k < losses.size());
    check_close("loss " + std::to_string(k), batch.loss / batch.weight, losses[k]);
    double squares = 0;
    std::as_const(batch).visit([&](const Path&, auto g) {
      for (const auto x : g) squares += static_cast<double>(x) * static_cast<double>(x);
    });
    check_close("norm " + std::to_string(k), std::sqrt(squares), norms[k]);
    if (k++ > 0) return;
    std::as_const(batch).visit([&](const Path& path, auto g) {
      Matrix<double> expected = golden.columns("first.grad." + path.str());
      // A table's columns are PyTorch's rows; weights are kept by columns.
      if (path.kind != Kind::table && golden.shape("first.grad." + path.str()).size() == 2)
        expected = Matrix<double>(expected.transpose());
      Matrix<double> got(expected.rows(), expected.cols());
      REQUIRE(static_cast<Index>(g.size()) == got.size());
      for (Index n = 0; n < got.size(); ++n) got.data()[n] = static_cast<double>(g[static_cast<std::size_t>(n)]);
      check_close(path.str(), got, expected);
    });
  };
  fit(model, Sgd{.rate = std::stod(golden.metadata("rate"))}, streams_of(golden),
      {.epochs = std::stol(golden.metadata("epochs")),
       .clip_norm = std::stod(golden.metadata("clip_norm")),
       .clip_epsilon = 1e-6,
       .on_gradient = compare});
  CHECK(k == losses.size());
  golden.check_parameters(model, "last.");
  golden.check_all_read();
}

/// The model at the end of an epoch, which has its average, and before that, which has the weights that are trained.
struct CompareWeights {
  const Golden* golden;
  void on_batch_end(Run& run) const {
    const std::string prefix = "after_" + std::to_string(run.epoch()) + ".";
    if (run.batch() == run.batches() && golden->contains(prefix + "0.weight"))
      golden->check_parameters(run.model<LanguageModel<Lstm<double>>>(), prefix);
  }
  void on_epoch_end(Run& run) const {
    const std::string prefix = "mean_" + std::to_string(run.epoch()) + ".";
    if (golden->contains(prefix + "0.weight"))
      golden->check_parameters(run.model<LanguageModel<Lstm<double>>>(), prefix);
  }
};
}  // namespace golden_language_models

TEST_CASE("the first 50 losses of language models over windows of streams equal PyTorch") {
  using namespace golden_language_models;
  SUBCASE("LSTM") { check_first_losses<Lstm<double>>("pytorch_language_model_lstm"); }
  SUBCASE("GRU") { check_first_losses<Gru<double>>("pytorch_language_model_gru"); }
}

TEST_CASE(
    "weights, averages and the epoch in which the average begins equal PyTorch's ASGD after a non-monotone trigger") {
  using namespace golden_language_models;
  const Golden golden("pytorch_nt_asgd");
  LanguageModel<Lstm<double>> model = model_of<Lstm<double>>(golden);
  const TokenStreams held_out(golden.integers<std::int32_t>("held_out"),
                              {.streams = std::stol(golden.metadata("streams")), .window = 7});
  const History history =
      fit(model, Sgd{.rate = std::stod(golden.metadata("rate"))}, streams_of(golden),
          {.epochs = std::stol(golden.metadata("epochs")),
           .validation = held_out,
           .callbacks = {WeightAverage{.patience = std::stoi(golden.metadata("patience"))}, CompareWeights{&golden}}});
  const std::vector<double> expected = golden.numbers("validation"), losses = history.series("val_loss");
  REQUIRE(losses.size() == expected.size());
  for (std::size_t k = 0; k < losses.size(); ++k) check_close("epoch " + std::to_string(k + 1), losses[k], expected[k]);
  golden.check_parameters(model, "mean_" + golden.metadata("epochs") + ".");
  golden.check_all_read();
}

TEST_CASE("loss and gradients of a tied softmax equal PyTorch") {
  using namespace golden_language_models;
  const Golden golden("pytorch_tied_softmax");
  const Index V = golden.shape("0.weight")[0], D = golden.shape("0.weight")[1];
  const auto ids = golden.integers<std::int32_t>("ids");
  const auto labels = golden.integers<Index>("labels");
  const TokenBatch x{
      ids, Packing::from_lengths(std::vector<Index>{static_cast<Index>(ids.size())}, static_cast<Index>(ids.size()))};
  for (const auto& [variant, smoothing] : {std::pair<std::string, double>{"plain.", 0}, {"smooth.", 0.1}}) {
    CAPTURE(variant);
    Sequential model{Embedding<double>(V, D),
                     SoftmaxClassifier<double>(D, V, {.tied = true, .label_smoothing = smoothing})};
    golden.load(model);
    Workspace<decltype(model), TokenBatch> work(model);
    const StepResult result = add_gradient(model, HeadLoss{}, x, labels, work, {.training = true});
    check_close("loss", result.loss, golden.number(variant + "loss"));
    golden.check_parameters(work.gradient, variant + "grad.");
  }
  golden.check_all_read();
}
