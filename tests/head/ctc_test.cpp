// CTC against the sum over all paths.
#include <algorithm>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/data/label_sequence_dataset.hpp>
#include <unroll/head/ctc.hpp>
#include <unroll/head/head_loss.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/optim/adam.hpp>
#include <unroll/testing/check_gradient.hpp>
#include <unroll/train/fit.hpp>
#include <unroll/train/predict.hpp>

#include "../support/message_of.hpp"
#include "../support/sequences.hpp"

namespace ctc_test {
using namespace unroll;
using Strings = std::vector<std::vector<Index>>;

/// What a path says.
std::vector<Index> collapse(const std::vector<Index>& path, Index blank) {
  std::vector<Index> labels;
  for (std::size_t t = 0; t < path.size(); ++t)
    if (path[t] != blank && (t == 0 || path[t] != path[t - 1])) labels.push_back(path[t]);
  return labels;
}
/// f(path, probability) for every path of the sorted sequence j.
template <class F> void for_all_paths(const PackedSequence<double>& z, Index j, const F& f) {
  const Index K = z.values.rows(), T = z.packing.length(j);
  std::vector<Index> path(static_cast<std::size_t>(T), 0);
  for (;;) {
    double p = 1;
    for (Index t = 0; t < T; ++t) {
      const auto x = z.values.col(z.packing.offset(t) + j).array();
      p *= std::exp(x(path[std::size_t(t)])) / x.exp().sum();
    }
    f(path, p);
    Index t = 0;
    while (t < T && ++path[std::size_t(t)] == K) path[std::size_t(t++)] = 0;
    if (t == T) return;
  }
}

struct Case {
  Index classes, blank;
  std::vector<Index> lengths;
  Strings targets;
  PackedSequence<double> z = random_sequences<double>(classes, lengths, 5, 7);
  Ctc<double> head = Ctc<double>(classes, {.blank = blank});
};
/// Ragged, an empty sequence, one of length 1, targets that are empty, repeat labels or fill all steps.
std::vector<Case> make_cases() {
  std::vector<Case> cases;
  cases.push_back({4, 0, {1, 5, 0, 4, 2, 5, 3}, {{2}, {1, 1, 1}, {}, {}, {3}, {1, 2, 3, 1, 2}, {2, 2}}});
  cases.push_back({3, 2, {5, 4, 1, 5, 3}, {{0, 1}, {1, 1}, {}, {0, 0, 1}, {0, 1, 0}}});
  cases.push_back({3, 1, {0, 5, 2}, {{}, {2, 0, 2}, {2, 0}}});
  cases.push_back({1, 0, {3, 1}, {{}, {}}});
  for (Case& c : cases) c.z.values *= 2;
  return cases;
}

static_assert(Head<Ctc<float>, PackedSequence<float>> && !Accepts<Ctc<float>, Matrix<float>>);

TEST_CASE("CTC's loss and gradient are those of the sum over all paths that say the target") {
  for (Case& c : make_cases()) {
    CAPTURE(c.head.describe());
    Ctc<double>::Scratch s;
    Ctc<double> gradient = c.head;
    PackedSequence<double> dz;
    const HeadResult result = c.head.loss(c.z, c.targets, dz, gradient, s);
    double sum = 0, weight = 0;
    Index right = 0;
    for (Index j = 0; j < c.z.packing.batch(); ++j) {
      const Index row = c.z.packing.row(j), T = c.z.packing.length(j);
      CAPTURE(row);
      const auto& target = c.targets[std::size_t(row)];
      double p_target = 0, best = 0;
      std::vector<Index> decoded;
      Matrix<double> occupancy = Matrix<double>::Zero(c.classes, T);
      for_all_paths(c.z, j, [&](const std::vector<Index>& path, double p) {
        if (p > best) best = p, decoded = collapse(path, c.blank);
        if (collapse(path, c.blank) != target) return;
        p_target += p;
        for (Index t = 0; t < T; ++t) occupancy(path[std::size_t(t)], t) += p;
      });
      CHECK(s.losses[std::size_t(row)] == doctest::Approx(-std::log(p_target)).epsilon(1e-12));
      sum -= std::log(p_target), weight += double(std::max<std::size_t>(target.size(), 1));
      right += decoded == target ? 1 : 0;
      CHECK(c.head.decode(c.z)[row].size() == decoded.size());
      CHECK(std::ranges::equal(c.head.decode(c.z)[row], decoded));
    }
    CHECK(result.loss == doctest::Approx(sum / weight).epsilon(1e-12));
    CHECK(result.weight == weight);
    CHECK(c.head.weight_of(c.targets) == weight);
    CHECK((result.correct == right && result.count == Index(c.targets.size())));
    CHECK(c.head.loss(c.z, c.targets, s).loss == result.loss);
    for (Index j = 0; j < c.z.packing.batch(); ++j) {
      double p_target = 0;
      Matrix<double> expected(c.classes, c.z.packing.length(j));
      expected.setZero();
      for_all_paths(c.z, j, [&](const std::vector<Index>& path, double p) {
        if (collapse(path, c.blank) != c.targets[std::size_t(c.z.packing.row(j))]) return;
        p_target += p;
        for (Index t = 0; t < expected.cols(); ++t) expected(path[std::size_t(t)], t) += p;
      });
      for (Index t = 0; t < expected.cols(); ++t) {
        const auto x = c.z.values.col(c.z.packing.offset(t) + j).array();
        const Matrix<double> d = (x.exp() / x.exp().sum() - expected.col(t).array() / p_target) / weight;
        CHECK((dz.values.col(c.z.packing.offset(t) + j) - d).cwiseAbs().maxCoeff() < 1e-13);
      }
    }
  }
}

TEST_CASE("a model with CTC has the gradient of its loss, down to its input") {
  for (const Case& c : make_cases()) {
    Sequential model{Bidirectional{Lstm<double>{2, 3}}, Dense<double>{6, c.classes}, c.head};
    randomize(model, Rng(9));
    const GradientReport report =
        check_gradient(model, HeadLoss{}, random_sequences<double>(2, c.lengths, 5, 11), LabelSequences(c.targets));
    INFO(report.str());
    CHECK((report.passed() || c.classes == 1));  // one class: the gradient is 0, and so is the difference
  }
}

TEST_CASE("CTC of long targets and sequences is right in float, in the gradient too") {
  for (const double scale : {1.0, 15.0}) {
    PackedSequence<double> z = random_sequences<double>(37, {300, 90, 1, 299, 40}, 300, 3);
    z.values *= scale;
    Strings targets{{}, {}, {5}, {}, {}};
    Rng rng(5);
    for (Index n = 0; n < 120; ++n) targets[0].push_back(1 + Index(rng.below(36)));
    for (Index n = 0; n < 45; ++n) targets[1].push_back(9);  // one more step would be needed for another
    for (Index n = 0; n < 16; ++n) targets[3].push_back(1 + Index(rng.below(3)));
    for (Index n = 0; n < 15; ++n) targets[4].push_back(1 + Index(rng.below(3)));
    const Ctc<double> head(37);
    const Ctc<float> single(37);
    const PackedSequence<float> z_single{z.values.cast<float>(), z.packing};
    Ctc<double>::Scratch s;
    Ctc<float>::Scratch s_single;
    Ctc<double> gradient(37);
    Ctc<float> gradient_single(37);
    PackedSequence<double> d;
    PackedSequence<float> d_single;
    const double loss = head.loss(z, targets, d, gradient, s).loss;
    CHECK(single.loss(z_single, targets, d_single, gradient_single, s_single).loss ==
          doctest::Approx(loss).epsilon(1e-5));
    CHECK(d.values.cwiseAbs().maxCoeff() > 1e-3);
    CHECK((d.values - d_single.values.cast<double>()).cwiseAbs().maxCoeff() < 1e-5);
    CHECK(d.values.colwise().sum().cwiseAbs().maxCoeff() < 1e-14);
  }
}

TEST_CASE("CTC's sample weights are those of sequences, and parts of a batch add up to it") {
  const Case c = make_cases()[0];
  const std::vector<double> weights{0.5, 2, 3, 0, 1, 1.5, 0.25};
  Ctc<double>::Scratch s;
  Ctc<double> gradient = c.head;
  PackedSequence<double> dz, dz_part;
  const HeadResult whole = c.head.loss(c.z, c.targets, dz, gradient, s, weights);
  double sum = 0;
  for (Index j = 0; j < c.z.packing.batch(); ++j) {
    const Index length = c.z.packing.length(j), lengths[] = {length};
    const auto row = std::size_t(c.z.packing.row(j));
    PackedSequence<double> z{Matrix<double>(c.classes, length), Packing::from_lengths(lengths, length)};
    for (Index t = 0; t < length; ++t) z.values.col(t) = c.z.values.col(c.z.packing.offset(t) + j);
    const HeadResult part =
        c.head.loss(z, Strings{c.targets[row]}, dz_part, gradient, s, std::vector<double>{weights[row]}, whole.weight);
    sum += part.loss * part.weight / whole.weight;
    for (Index t = 0; t < length; ++t)
      CHECK((dz_part.values.col(t) - dz.values.col(c.z.packing.offset(t) + j)).cwiseAbs().maxCoeff() < 1e-14);
  }
  CHECK(sum == doctest::Approx(whole.loss).epsilon(1e-13));
}

TEST_CASE("CTC's bits do not depend on the number of threads" * doctest::test_suite("bits")) {
  const PackedSequence<float> z =
      random_sequences<float>(300, {40, 3, 0, 40, 17, 31, 8, 40, 40, 40, 2, 1, 40, 40, 39, 38, 37, 36, 35}, 40);
  Strings targets;
  for (Index b = 0; b < z.packing.batch(); ++b) targets.emplace_back();
  for (Index j = 0; j < z.packing.batch(); ++j)
    for (Index i = 0; i < z.packing.length(j) / 2; ++i) targets[std::size_t(z.packing.row(j))].push_back(1 + i % 299);
  const Ctc<float> head(300);
  const int before = threads();
  std::vector<std::pair<double, PackedSequence<float>>> results;
  for (const int n : {1, 2, 3}) {
    set_threads(n);
    Ctc<float>::Scratch s;
    Ctc<float> gradient(300);
    auto& [loss, dz] = results.emplace_back();
    loss = head.loss(z, targets, dz, gradient, s).loss;
    CHECK(loss == results[0].first);
    CHECK(dz.values == results[0].second.values);
  }
  set_threads(before);
}

TEST_CASE("a target that its sequence is too short for is an error, or left out and counted") {
  const PackedSequence<double> z = random_sequences<double>(3, {3, 0, 2, 2}, 3);
  const Strings targets{{1, 1, 2}, {1}, {1, 2}, {2, 2}}, feasible{{}, {}, {1, 2}, {}};
  const Ctc<double> strict(3), lenient(3, {.skip_infeasible = true});
  Ctc<double>::Scratch s;
  CHECK_THROWS_WITH(strict.loss(z, targets, s),
                    "Ctc: target 0 needs 4 steps, one for each of 3 labels and one between equal neighbors; its "
                    "sequence has 3 (skip_infeasible leaves it out)");
  Ctc<double> gradient(3);
  PackedSequence<double> dz;
  const HeadResult result = lenient.loss(z, targets, dz, gradient, s);
  CHECK(s.infeasible == 3);
  CHECK((s.losses[0] == 0 && s.losses[1] == 0 && s.losses[2] > 0 && s.losses[3] == 0));
  CHECK(result.loss == doctest::Approx(s.losses[2] / 8));
  for (Index n = 0; n < z.packing.total(); ++n)
    CHECK((dz.values.col(n).cwiseAbs().maxCoeff() > 0) == (z.packing.sequence_of(n) == 2));
  lenient.loss(z, feasible, s);
  CHECK(s.infeasible == 0);
}

TEST_CASE("CTC refuses targets, weights and options that do not fit, by name") {
  const PackedSequence<double> z = random_sequences<double>(3, {3, 2}, 3);
  const Ctc<double> head(3, {.blank = 1});
  Ctc<double>::Scratch s;
  Ctc<double> gradient = head;
  PackedSequence<double> dz;
  const auto refuse = [&](const Strings& targets) { return message_of([&] { head.loss(z, targets, s); }); };
  CHECK(refuse({{0}, {2, 1}}) == "Ctc: label 1 of target 1 is 1, the blank, expected 0 to 2 without the blank, 1");
  CHECK(refuse({{3}, {}}) == "Ctc: label 0 of target 0 is 3, expected 0 to 2 without the blank, 1");
  CHECK(refuse({{0, -1}, {}}) == "Ctc: label 1 of target 0 is -1, expected 0 to 2 without the blank, 1");
  CHECK(refuse({{0}}) == "Ctc: 1 targets for 2 sequences");
  CHECK(message_of([&] { head.loss(z, Strings{{}, {}}, dz, gradient, s, std::vector<double>{1, 1, 1}); }) ==
        "Ctc: 3 sample weights for 2 sequences, expected one each");
  CHECK_THROWS_AS(head.loss(z, Strings{{}, {}}, dz, gradient, s, std::vector<double>{1, -1}), std::invalid_argument);
  CHECK_THROWS_AS(Ctc<double>(4).decode(z), std::invalid_argument);
  CHECK_THROWS_AS(Ctc<double>(0), std::invalid_argument);
  CHECK_THROWS_WITH(Ctc<double>(3, {.blank = 3}), "Ctc: blank 3, expected 0 to 2");
  CHECK_THROWS_WITH(LabelSequences(Strings{{1}})[1], "LabelSequences: sequence 1, expected 0 to 0");
  CHECK_THROWS_WITH(LabelSequenceDataset(TokenDataset({{1}, {2}}), LabelSequences(Strings{{1}})),
                    "LabelSequenceDataset: 1 targets for 2 sequences");
}

TEST_CASE("a model with CTC learns where labels are that nobody placed, and predicts them") {
  // Runs of steps of one of three kinds, of any length, with noise; equal neighbors have a gap.
  Rng rng(3);
  const auto make = [&](Index n) {
    std::vector<Eigen::MatrixXf> x;
    Strings labels;
    for (Index k = 0; k < n; ++k) {
      auto& said = labels.emplace_back();
      std::vector<Index> steps;
      for (Index i = 0; i < (k == 0 ? 0 : 1 + Index(rng.below(4))); ++i) {
        const auto label = 1 + Index(rng.below(3));
        said.push_back(label);
        for (Index t = 0; t < 2 + Index(rng.below(3)); ++t) steps.push_back(label);
        steps.push_back(0);
      }
      Eigen::MatrixXf m(4, Index(steps.size()));
      for (Index t = 0; t < m.cols(); ++t)
        for (Index i = 0; i < 4; ++i)
          m(i, t) = float(i == steps[std::size_t(t)] ? 1 : 0) + float(rng.uniform(-0.4, 0.4));
      x.push_back(m);
    }
    return LabelSequenceDataset(SequenceDataset<float>(x), LabelSequences(labels));
  };
  const auto training = make(200), test = make(50);
  Sequential model{Bidirectional{Gru{4, 12}}, Dense{24, 4}, Ctc{4}};
  initialize(model, Rng(1));
  const History history = fit(model, Adam{.rate = 2e-2}, training,
                              {.epochs = 12, .batch_size = 20, .accumulate = 2, .validation = test, .clip_norm = 5});
  const Evaluation of = evaluate(model, test);
  CHECK(of.accuracy >= 0.98);
  CHECK(of.count == 50);
  CHECK(history.epochs.back().validation->loss == doctest::Approx(of.loss).epsilon(1e-12));
  CHECK(evaluate(model, test, {.batch_size = 7}).accuracy == of.accuracy);
  const std::vector<std::vector<Index>> all = predict(model, test);
  Index right = 0;
  for (Index k = 0; k < test.size(); ++k) {
    CHECK(predict(model, test[k]) == all[std::size_t(k)]);
    right += std::ranges::equal(all[std::size_t(k)], test.targets()[k]) ? 1 : 0;
  }
  CHECK(double(right) / 50 == of.accuracy);
  const auto [some, rest] = split_tail(test, 0.2);
  CHECK((some.size() == 40 && rest.size() == 10));
}

}  // namespace ctc_test
