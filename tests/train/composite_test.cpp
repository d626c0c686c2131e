// Models that are written as their forward pass, through fit, evaluate, predict and files.
#include <filesystem>

#include <doctest/doctest.h>

#include <unroll/io/model_file.hpp>
#include <unroll/layer/attention.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/mean_squared_error.hpp>
#include <unroll/train/predict.hpp>

#include "classifier.hpp"

namespace {

using namespace unroll;

struct Attentive : Composite<Attentive> {
  Embedding<> embed{10, 12};
  Recurrent<Lstm<>> read{Lstm{12, 20}, {.input_dropout = 0.1}};
  AttentionPool<> pool{20, 8};
  Dense<> head{40, 1};
  UNROLL_PARTS(embed, read, pool, head)
  auto operator()(Wiring& run, Node<TokenBatch> x) const {
    const auto h = run(read, run(embed, x));
    return run(head, concat_rows(run(pool, h), final_output(h)));
  }
};

/// How far apart the means of two series are; the second one is of another length.
struct Apart : Composite<Apart> {
  Dense<> of{1, 1};
  UNROLL_PARTS(of)
  auto operator()(Wiring& run, Node<PackedSequence<>> a, Node<PackedSequence<>> b) const {
    return mean_over_time(run(of, a)) - mean_over_time(run(of, b));
  }
};
struct Pairs {
  using Batch = Inputs<PackedSequence<>, PackedSequence<>>;
  SequenceDataset<> a, b;
  std::vector<float> apart;
  Index size() const { return a.size(); }
  Index length(Index k) const { return a.length(k) + b.length(k); }
  void fill(std::span<const Index> rows, Batch& batch) const {
    a.fill(rows, std::get<0>(batch.all));
    b.fill(rows, std::get<1>(batch.all));
  }
  void fill_targets(std::span<const Index> rows, const Batch&, BatchTargets<float>& out) const {
    out.are_labels = false;
    out.values.resize(1, static_cast<Index>(rows.size()));
    for (std::size_t k = 0; k < rows.size(); ++k)
      out.values(0, static_cast<Index>(k)) = apart[static_cast<std::size_t>(rows[k])];
  }
};
Pairs make_pairs() {
  Rng rng(4);
  std::vector<SequenceDataset<>::Dense> a, b;
  Pairs pairs;
  for (int k = 0; k < 60; ++k) {
    for (auto* to : {&a, &b}) {
      to->emplace_back(1, static_cast<Index>(1 + rng.below(5)));
      for (float& x : to->back().reshaped()) x = static_cast<float>(rng.uniform(-1, 1));
    }
    pairs.apart.push_back(a.back().mean() - b.back().mean());
  }
  pairs.a = SequenceDataset<>(a);
  pairs.b = SequenceDataset<>(b);
  return pairs;
}

}  // namespace

TEST_CASE("a composite learns, with the same bits for any number of threads, and answers as its file does") {
  const auto data = make_data(300), fresh = make_data(100, 7);
  std::uint64_t bits = 0;
  const int before = threads();
  for (const int n : {1, 2}) {
    set_threads(n);
    Attentive model;
    initialize(model, Rng(1));
    fit(model, BinaryCrossEntropy{}, Adam{.rate = 2e-2}, data, {.epochs = 8, .batch_size = 20, .seed = 3});
    CHECK(evaluate(model, BinaryCrossEntropy{}, fresh).accuracy > 0.95);
    if (n > 1) CHECK(bits_of(model) == bits);
    bits = bits_of(model);

    const std::vector<std::int32_t> ids{1, 9, 3};
    const auto path = std::filesystem::temp_directory_path() / concat_text("unroll_composite_", n, ".safetensors");
    save(path, model);
    CHECK(read_safetensors(path).metadata.contains("unroll.test_output"));  // an input is found that it takes
    const auto [loaded, info] = load_model([](const ModelInfo&) { return Attentive{}; }, path);
    std::filesystem::remove(path);
    CHECK(bits_of(loaded) == bits);
    CHECK(float(predict(loaded, ids)) == float(predict(model, ids)));
  }
  set_threads(before);
}

TEST_CASE("a model of two inputs is trained and judged on a data set of pairs") {
  const Pairs pairs = make_pairs();
  Apart model;
  initialize(model, Rng(1));
  fit(model, MeanSquaredError{}, Adam{.rate = 5e-2}, pairs, {.epochs = 60, .batch_size = 10});
  CHECK(evaluate(model, MeanSquaredError{}, pairs).loss < 1e-3);
  CHECK(model.of.weight(0, 0) == doctest::Approx(1).epsilon(0.05));

  const Matrix<float> apart = infer(model, pairs, {.batch_size = 7});
  REQUIRE(apart.cols() == pairs.size());
  CHECK(std::abs(apart(0, 3) - pairs.apart[3]) < 0.1f);

  const auto path = std::filesystem::temp_directory_path() / "unroll_pairs.safetensors";
  const TestInput input{.values = Matrix<float>(pairs.a[3]), .more = {{.values = Matrix<float>(pairs.b[3])}}};
  save(path, model, {.test_input = input});
  CHECK(read_safetensors(path).metadata.contains("unroll.test_values.1"));
  const auto make = [](const ModelInfo&) { return Apart{}; };
  CHECK(bits_of(load_model(make, path).model) == bits_of(model));
  SafeTensors file = read_safetensors(path);
  std::filesystem::remove(path);
  file.metadata["unroll.test_output"] = "[9]";
  CHECK_THROWS_WITH_AS(load_model(make, file), doctest::Contains("the model is not the one that was saved"),
                       FormatError);
  file.metadata.erase("unroll.test_values.1");
  CHECK_THROWS_WITH_AS(load_model(make, file), doctest::Contains("1 inputs, the model takes 2"), FormatError);
  CHECK_THROWS_WITH_AS(save(path, model, {.test_input = {.tokens = {1}, .more = {{.values = input.values}}}}),
                       doctest::Contains("token ids where the model takes values"), std::invalid_argument);
}
