// Models that end in a head: trained, evaluated, asked and saved like any other.
#include <filesystem>

#include <doctest/doctest.h>

#include <unroll/io/model_file.hpp>
#include <unroll/unroll.hpp>

#include "../support/sequences.hpp"

namespace {
using namespace unroll;

/// Words 2 k and 2 k + 1 are of label k, or, after a word of label 2, of label 0.
TokenDataset head_data(Index n, std::uint64_t seed, bool with_targets = true) {
  Rng rng(seed);
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<std::vector<Index>> labels;
  for (Index k = 0; k < n; ++k) {
    ids.emplace_back(std::size_t(k == 1 ? 0 : 1 + rng.below(7)));
    labels.emplace_back();
    for (auto& id : ids.back()) {
      id = std::int32_t(rng.below(6));
      const bool after_2 = !labels.back().empty() && labels.back().back() == 2;
      labels.back().push_back(after_2 ? 0 : id / 2);
    }
  }
  return with_targets ? TokenDataset(ids, labels) : TokenDataset(ids);
}
template <class H> auto tagger(H head) {
  return Sequential{Embedding{6, 6}, Recurrent{Gru{6, 8}}, Dense{8, 3}, std::move(head)};
}
struct HeadTagger : Composite<HeadTagger> {
  Embedding<> embed{6, 6};
  Recurrent<Gru<>> read{Gru{6, 8}};
  Dense<> score{8, 3};
  Crf<> head{3, {.pairs = {{2, 1}, {2, 2}}}};
  bool past_the_head = false;
  UNROLL_PARTS(embed, read, score, head)
  auto operator()(Wiring& run, Node<TokenBatch> x) const {
    const auto z = run(score, run(read, run(embed, x)));
    const auto y = run(head, z);
    return past_the_head ? y + z : y;
  }
};

/// A scaled regression, all of it: what a head of one's own needs at least.
template <class T = float> struct Scaled : HeadLayer<Scaled<T>, T> {
  Parameter<T> scale = Matrix<T>::Ones(1, 1);
  struct Scratch {
    Matrix<T> y;
  };
  Index inputs() const { return 1; }
  HeadResult loss(const Matrix<T>& z, const Matrix<T>& targets, Matrix<T>& dz, Scaled& gradient, Scratch&,
                  std::span<const double> = {}, double whole_weight = 0) const {
    const double total = weight_of(targets), divisor = whole_weight > 0 ? whole_weight : total;
    const Matrix<T> error = scale(0, 0) * z - targets;
    dz = error * static_cast<T>(2 / divisor) * scale(0, 0);
    if (scale.trainable) gradient.scale(0, 0) += static_cast<T>(2 / divisor) * error.cwiseProduct(z).sum();
    return {double(error.squaredNorm()) / total, total};
  }
  HeadResult loss(const Matrix<T>& z, const Matrix<T>& targets, Scratch&) const {
    return {double((scale(0, 0) * z - targets).squaredNorm()) / weight_of(targets), weight_of(targets)};
  }
  double weight_of(const Matrix<T>& targets) const { return double(targets.size()); }
  const Matrix<T>& decode(const Matrix<T>& z, Scratch& s) const { return s.y = scale(0, 0) * z; }

  std::string describe() const { return "Scaled"; }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("scale", Kind::weight), self.scale...);
  }
};
static_assert(Head<Scaled<float>, Matrix<float>>);

template <class M> void check_tagger(M model) {
  const TokenDataset training = head_data(300, 1), test = head_data(60, 2);
  initialize(model, Rng(1));
  const History history =
      fit(model, Adam{.rate = 2e-2}, training, {.epochs = 6, .batch_size = 20, .validation = test, .clip_norm = 1});
  const Evaluation of = evaluate(model, test);
  CHECK(of.accuracy > 0.97);
  CHECK(history.epochs.back().validation->loss == of.loss);
  CHECK(evaluate(model, HeadLoss{}, test, {.batch_size = 7}).accuracy == of.accuracy);

  const auto all = predict(model, test);
  REQUIRE(all.size() == std::size_t(test.size()));
  Index right = 0, count = 0;
  for (Index k = 0, n = 0; k < test.size(); ++k) {
    CHECK(predict(model, test[k]) == all[std::size_t(k)]);
    for (const Index label : all[std::size_t(k)])
      right += label == test.targets().labels[std::size_t(n++)] ? 1 : 0, ++count;
  }
  CHECK(count == of.count);
  CHECK(double(right) / double(count) == doctest::Approx(of.accuracy));

  const auto path = std::filesystem::temp_directory_path() / "unroll_head_test.safetensors";
  save(path, model);
  const auto [loaded, info] = load_model([&](const ModelInfo&) { return zeros_like(model); }, path);
  CHECK(predict(loaded, test) == all);
  CHECK(head_of(loaded).transitions == head_of(model).transitions);
  std::filesystem::remove(path);
}
}  // namespace

static_assert(has_head<HeadTagger> && has_head<Crf<>> && !has_head<Sequential<Dense<>>>);
static_assert(std::same_as<HeadOf<Sequential<Dense<>, Crf<>>>, Crf<>>);

TEST_CASE("a Sequential with a CRF is trained, evaluated, asked and saved") { check_tagger(tagger(Crf{3})); }
TEST_CASE("a Composite with a CRF is trained, evaluated, asked and saved") { check_tagger(HeadTagger{}); }

TEST_CASE("a Composite has to give what its head gives") {
  HeadTagger model;
  model.past_the_head = true;
  CHECK_THROWS_WITH(evaluate(model, head_data(3, 1)),
                    "Composite: operator() gives another value than its head (Crf 3, 2 forbidden): end it with `return "
                    "run(head, z)`");
}

TEST_CASE("batches in parts have the gradient of the whole, a head's parameters too") {
  auto model = tagger(Crf{3});
  initialize(model, Rng(3));
  auto other = model;
  const TokenDataset data = head_data(40, 4);
  FitOptions<> whole{.epochs = 1, .batch_size = 20, .shuffle = false}, parts = whole;
  parts.batch_size = 5, parts.accumulate = 4;
  fit(model, Sgd{.rate = 0.5}, data, whole);
  fit(other, Sgd{.rate = 0.5}, data, parts);
  CHECK((head_of(model).transitions - head_of(other).transitions).cwiseAbs().maxCoeff() < 1e-6f);
  CHECK((model.layer<2>().weight - other.layer<2>().weight).cwiseAbs().maxCoeff() < 1e-6f);
}

TEST_CASE("a frozen head is not trained") {
  auto model = tagger(Crf{3});
  initialize(model, Rng(3));
  freeze(model, "3.*");
  const auto before = head_of(model).transitions;
  fit(model, Adam{}, head_data(40, 4), {.epochs = 1});
  CHECK(head_of(model).transitions == before);
}

TEST_CASE("a regression's head gives numbers, not probabilities") {
  std::vector<Eigen::MatrixXf> x;
  Eigen::MatrixXf y(1, 50);
  for (Index k = 0; k < 50; ++k) {
    x.emplace_back(Eigen::MatrixXf::Constant(1, 3, float(k) / 25 - 1));
    y(0, k) = 40 * x.back()(0, 0);
  }
  const SequenceDataset<float> data(x, y);
  Sequential model{FinalState{Recurrent{Rnn{1, 8}}}, Dense{8, 1}, Scaled{}};
  initialize(model, Rng(1));
  head_of(model).scale.setConstant(20);
  fit(model, Adam{.rate = 1e-2}, data, {.epochs = 80, .batch_size = 10});
  CHECK(evaluate(model, data).loss < 4);
  const auto all = predict(model, data);
  CHECK((all - y).cwiseAbs().maxCoeff() < 6);
  CHECK((predict(model, data[49]) - all.col(49)).cwiseAbs().maxCoeff() == 0);
  CHECK((infer(model, data) * head_of(model).scale(0, 0) - all).cwiseAbs().maxCoeff() < 1e-4f);
}

TEST_CASE("a language model learns from its own tokens, without targets") {
  Sequential model{Embedding{6, 6}, Recurrent{Gru{6, 8}}, Dense{8, 6}};
  initialize(model, Rng(1));
  std::vector<std::vector<std::int32_t>> ids;  // 0 1 2 .. from anywhere
  for (std::int32_t k = 0; k < 60; ++k)
    for (std::int32_t t = 0; t < k % 9; ++t) {
      if (t == 0) ids.emplace_back();
      ids.back().push_back((k / 9 + t) % 6);
    }
  const TokenDataset data(ids);
  CHECK(!data.has_targets());
  fit(model, NextToken{CrossEntropy{}}, Adam{.rate = 3e-2}, data, {.epochs = 40, .batch_size = 10, .accumulate = 2});
  const Evaluation of = evaluate(model, NextToken{CrossEntropy{}}, data);
  CHECK(of.accuracy == 1);
  CHECK(of.count == data.steps() - data.size());
}

TEST_CASE("the labels of next tokens are those of each sequence, a step later") {
  const std::vector<std::vector<std::int32_t>> ids{{7}, {1, 2, 3}, {}, {4, 5}};
  const std::vector<std::span<const std::int32_t>> views(ids.begin(), ids.end());
  TokenBatch x;
  pack_tokens(std::span(views), x);
  const detail::NextTokens next(x, -100);
  REQUIRE(next.size() == 6);
  for (Index j = 0; j < 4; ++j)
    for (Index t = 0; t < x.packing.length(j); ++t) {
      const auto& of = ids[std::size_t(x.packing.row(j))];
      CHECK(next[x.packing.offset(t) + j] == (t + 1 < Index(of.size()) ? of[std::size_t(t + 1)] : -100));
    }
}

namespace {
/// A loss of whole sequences whose targets are shorter than the output: how often each class occurs, as CTC's are
/// lists.
struct Occurrences {
  using Counts = std::vector<std::vector<Index>>;
  template <class T> using Targets = Counts;
  template <class T>
  LossResult operator()(const PackedSequence<T>& y, const Counts& of, PackedSequence<T>& d,
                        std::span<const double> = {}) const {
    d = y;
    d.values.setZero();
    return compute(y, of, &d.values);
  }
  template <class T> LossResult operator()(const PackedSequence<T>& y, const Counts& of) const {
    return compute(y, of, static_cast<Matrix<T>*>(nullptr));
  }
  double weight(const Counts& of) const { return double(of.size()); }

 private:
  template <class T> LossResult compute(const PackedSequence<T>& y, const Counts& of, Matrix<T>* d) const {
    double sum = 0;
    for (Index j = 0; j < y.packing.batch(); ++j)
      for (const Index k : of[std::size_t(y.packing.row(j))]) {
        double total = -1;
        for (Index t = 0; t < y.packing.length(j); ++t) total += double(y.values(k, y.packing.offset(t) + j));
        sum += total * total;
        for (Index t = 0; t < y.packing.length(j) && d != nullptr; ++t)
          (*d)(k, y.packing.offset(t) + j) += static_cast<T>(2 * total / weight(of));
      }
    return {sum / weight(of), weight(of)};
  }
};
/// Sequences with targets of their own kind.
struct Listed {
  using Batch = TokenBatch;
  using BatchTargets = Occurrences::Counts;
  TokenDataset tokens;
  Index size() const { return tokens.size(); }
  Index length(Index k) const { return tokens.length(k); }
  void fill(std::span<const Index> rows, TokenBatch& x) const { tokens.fill(rows, x); }
  void fill_targets(std::span<const Index> rows, const Packing&, BatchTargets& out) const {
    out.clear();
    for (const Index row : rows) {
      out.emplace_back();
      if (length(row) > 0) out.back().push_back(tokens[row][0] / 2);
    }
  }
};
static_assert(SequenceLoss<Occurrences> && SequenceLoss<NextToken<>> && !SequenceLoss<CrossEntropy>);
}  // namespace

TEST_CASE("a loss of whole sequences has targets of its own kind, which a data set names") {
  const Listed data{head_data(60, 3)};
  Sequential model{Embedding{6, 6}, Recurrent{Gru{6, 8}}, Dense{8, 3}};
  initialize(model, Rng(1));
  const double before = evaluate(model, Occurrences{}, data).loss;
  fit(model, Occurrences{}, Adam{.rate = 2e-2}, data, {.epochs = 20, .batch_size = 10, .accumulate = 2});
  CHECK(evaluate(model, Occurrences{}, data).loss < 0.1 * before);
}
