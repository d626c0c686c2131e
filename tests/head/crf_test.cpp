// The linear-chain CRF against sums over all sequences of labels.
#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/head/crf.hpp>
#include <unroll/head/head_loss.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/sequences.hpp"

namespace {
using namespace unroll;

/// f(labels, score) for every sequence of labels of the sorted sequence j that is allowed.
template <class F> void for_all_paths(const Crf<double>& crf, const PackedSequence<double>& z, Index j, const F& f) {
  const Index K = crf.inputs(), T = z.packing.length(j);
  std::vector<Index> y(static_cast<std::size_t>(T), 0);
  const auto is_in = [](const auto& list, const auto& what) {
    return std::find(list.begin(), list.end(), what) != list.end();
  };
  for (;;) {
    double score = 0;
    bool allowed = true;
    for (Index t = 0; t < T; ++t) {
      const Index k = y[std::size_t(t)], before = t > 0 ? y[std::size_t(t - 1)] : -1;
      score += z.values(k, z.packing.offset(t) + j);
      score += t == 0 ? crf.start_transitions(k, 0) : crf.transitions(before, k);
      if (t + 1 == T) score += crf.end_transitions(k, 0);
      allowed = allowed && (t == 0 ? !is_in(crf.forbidden.starts, k)
                                   : !is_in(crf.forbidden.pairs, std::pair<Index, Index>(before, k)));
      allowed = allowed && (t + 1 < T || !is_in(crf.forbidden.ends, k));
    }
    if (allowed) f(y, score);
    Index t = 0;
    while (t < T && ++y[std::size_t(t)] == K) y[std::size_t(t++)] = 0;
    if (t == T) return;
  }
}

struct Case {
  Crf<double> crf;
  PackedSequence<double> z;
  std::vector<Index> labels;
};
/// Ragged, with an empty sequence and one of length 1; labels that are allowed.
Case make_case(Index K, ForbiddenTransitions forbidden, std::uint64_t seed) {
  Case c{Crf<double>(K, forbidden), random_sequences<double>(K, {1, 5, 0, 4, 2}, 5, seed), {}};
  c.z.values *= 2;
  randomize(c.crf, Rng(seed), 1.5);
  c.labels.resize(std::size_t(c.z.packing.total()));
  Rng rng(seed + 1);
  for (Index j = 0; j < c.z.packing.batch(); ++j) {
    if (c.z.packing.length(j) == 0) continue;
    std::vector<std::vector<Index>> all;
    for_all_paths(c.crf, c.z, j, [&](const std::vector<Index>& y, double) { all.push_back(y); });
    const auto& y = all[rng.below(all.size())];
    for (Index t = 0; t < c.z.packing.length(j); ++t)
      c.labels[std::size_t(c.z.packing.offset(t) + j)] = y[std::size_t(t)];
  }
  return c;
}
std::vector<Case> make_cases() {
  const ForbiddenTransitions some{.pairs = {{0, 1}, {2, 2}, {1, 0}}, .starts = {1}, .ends = {0}};
  return {make_case(1, {}, 1), make_case(2, {}, 2), make_case(4, {}, 3), make_case(3, some, 4), make_case(4, some, 5)};
}

/// A Dense layer and a CRF, trained through what `loss` says.
double crf_loss(const Case& c) {
  Crf<double>::Scratch s;
  return c.crf.loss(c.z, c.labels, s).loss;
}
}  // namespace

static_assert(Head<Crf<float>, PackedSequence<float>> && !Accepts<Crf<float>, Matrix<float>>);

TEST_CASE("a CRF's loss, best labels and marginals are those of the sum over all sequences of labels") {
  for (const Case& c : make_cases()) {
    CAPTURE(c.crf.describe());
    Crf<double>::Scratch s;
    const HeadResult result = c.crf.loss(c.z, c.labels, s);
    const std::vector<Index> decoded = c.crf.decode(c.z, s);
    const PackedSequence<double> p = c.crf.marginals(c.z);
    double loss = 0;
    Index right = 0;
    Matrix<double> expected = Matrix<double>::Zero(c.crf.inputs(), c.z.packing.total());
    for (Index j = 0; j < c.z.packing.batch(); ++j) {
      if (c.z.packing.length(j) == 0) continue;
      double partition = 0, best = -1e300, given = 0;
      const auto label = [&](const std::vector<Index>& of, Index t) {
        return of[std::size_t(c.z.packing.offset(t) + j)];
      };
      const auto is_path = [&](const std::vector<Index>& y, const std::vector<Index>& of) {
        for (Index t = 0; t < c.z.packing.length(j); ++t)
          if (y[std::size_t(t)] != label(of, t)) return false;
        return true;
      };
      double score_of_decoded = 0;
      for_all_paths(c.crf, c.z, j, [&](const std::vector<Index>& y, double score) {
        partition += std::exp(score);
        best = std::max(best, score);
        if (is_path(y, c.labels)) given = score;
        if (is_path(y, decoded)) score_of_decoded = score;
      });
      CHECK(score_of_decoded == doctest::Approx(best).epsilon(1e-13));
      loss += std::log(partition) - given;
      for_all_paths(c.crf, c.z, j, [&](const std::vector<Index>& y, double score) {
        for (Index t = 0; t < c.z.packing.length(j); ++t)
          expected(y[std::size_t(t)], c.z.packing.offset(t) + j) += std::exp(score) / partition;
      });
    }
    for (std::size_t n = 0; n < c.labels.size(); ++n) right += decoded[n] == c.labels[n] ? 1 : 0;
    CHECK(result.weight == double(c.labels.size()));
    CHECK(result.loss == doctest::Approx(loss / result.weight).epsilon(1e-12));
    CHECK(result.correct == right);
    CHECK(result.count == Index(c.labels.size()));
    CHECK((p.values - expected).cwiseAbs().maxCoeff() < 1e-12);
  }
}

TEST_CASE("a CRF's gradients are those of its loss, and what is forbidden gets none") {
  for (Case c : make_cases()) {
    CAPTURE(c.crf.describe());
    Crf<double>::Scratch s;
    Crf<double> gradient = zeros_like(c.crf);
    PackedSequence<double> dz;
    const double loss = c.crf.loss(c.z, c.labels, dz, gradient, s).loss;
    CHECK(loss == doctest::Approx(crf_loss(c)).epsilon(1e-14));
    const auto check = [&](double& at, double analytic) {
      const double keep = at, h = 1e-3;
      const auto f = [&](double k) {
        at = keep + k * h;
        return crf_loss(c);
      };
      const double numeric = (8 * (f(1) - f(-1)) - (f(2) - f(-2))) / (12 * h);
      at = keep;
      CHECK(std::abs(numeric - analytic) < 1e-9);
    };
    for (Index k = 0; k < c.z.values.size(); ++k) check(c.z.values.data()[k], dz.values.data()[k]);
    visit(
        [&](const Path&, auto& p, const auto& d) {
          for (Index k = 0; k < p.size(); ++k) check(p.data()[k], d.data()[k]);
        },
        c.crf, gradient);
    for (const auto& [i, j] : c.crf.forbidden.pairs) CHECK(gradient.transitions(i, j) == 0);
    for (const Index k : c.crf.forbidden.starts) CHECK(gradient.start_transitions(k, 0) == 0);
    for (const Index k : c.crf.forbidden.ends) CHECK(gradient.end_transitions(k, 0) == 0);
  }
}

TEST_CASE("a tagger with a CRF has the gradient of its loss, down to its input") {
  for (Case& c : make_cases()) {
    Sequential model{Bidirectional{Lstm<double>{2, 3}}, Dense<double>{6, c.crf.inputs()}, c.crf};
    randomize(model, Rng(9));
    PackedSequence<double> x = random_sequences<double>(2, {1, 5, 0, 4, 2}, 5, 11);
    const GradientReport report = check_gradient(model, HeadLoss{}, x, c.labels);
    INFO(report.str());
    CHECK(report.passed());
    CHECK(check_gradient(model, x).passed());  // as a layer the head gives its input through
  }
}

TEST_CASE("a CRF's sample weights are those of sequences, and parts of a batch add up to it") {
  Case c = make_case(3, {}, 7);
  Crf<double>::Scratch s;
  Crf<double> all = zeros_like(c.crf), parts = zeros_like(c.crf);
  PackedSequence<double> dz, dz_part;
  std::vector<double> weights(c.labels.size());
  for (std::size_t n = 0; n < weights.size(); ++n) weights[n] = 0.5 + double(c.z.packing.sequence_of(Index(n)));
  const HeadResult whole = c.crf.loss(c.z, c.labels, dz, all, s, weights);
  double sum = 0;
  for (Index j = 0; j < c.z.packing.batch(); ++j) {  // one sequence each
    const Index length = c.z.packing.length(j), lengths[] = {length};
    PackedSequence<double> z{Matrix<double>(3, length), Packing::from_lengths(lengths, length)};
    std::vector<Index> labels;
    std::vector<double> weight;
    for (Index t = 0; t < length; ++t) {
      const Index n = c.z.packing.offset(t) + j;
      z.values.col(t) = c.z.values.col(n);
      labels.push_back(c.labels[std::size_t(n)]), weight.push_back(weights[std::size_t(n)]);
    }
    const HeadResult part = c.crf.loss(z, labels, dz_part, parts, s, weight, whole.weight);
    sum += part.loss * part.weight / whole.weight;
    for (Index t = 0; t < length; ++t)
      CHECK((dz_part.values.col(t) - dz.values.col(c.z.packing.offset(t) + j)).cwiseAbs().maxCoeff() < 1e-14);
  }
  CHECK(sum == doctest::Approx(whole.loss).epsilon(1e-13));
  CHECK((all.transitions - parts.transitions).cwiseAbs().maxCoeff() < 1e-14);
  CHECK((all.start_transitions - parts.start_transitions).cwiseAbs().maxCoeff() < 1e-14);
}

TEST_CASE("a CRF of many labels and long sequences is right in float") {
  Case c{Crf<double>(37), random_sequences<double>(37, {300, 17, 1, 299}, 300, 3), {}};
  randomize(c.crf, Rng(4), 3);
  c.z.values *= 20;
  Rng rng(5);
  for (Index n = 0; n < c.z.packing.total(); ++n) c.labels.push_back(Index(rng.below(37)));
  Crf<float> single(37);
  visit([](const Path&, auto& to, const auto& from) { to = from.template cast<float>(); }, single, c.crf);
  const PackedSequence<float> z{c.z.values.cast<float>(), c.z.packing};
  Crf<double>::Scratch s;
  Crf<float>::Scratch s_single;
  Crf<double> gradient = zeros_like(c.crf);
  Crf<float> gradient_single = zeros_like(single);
  PackedSequence<double> d;
  PackedSequence<float> d_single;
  const double loss = c.crf.loss(c.z, c.labels, d, gradient, s).loss;
  CHECK(single.loss(z, c.labels, d_single, gradient_single, s_single).loss == doctest::Approx(loss).epsilon(1e-6));
  CHECK((d.values - d_single.values.cast<double>()).cwiseAbs().maxCoeff() < 1e-7);
  CHECK((gradient.transitions - gradient_single.transitions.cast<double>()).cwiseAbs().maxCoeff() < 1e-6);
}

TEST_CASE("a CRF's bits do not depend on the number of threads" * doctest::test_suite("bits")) {
  const PackedSequence<float> z =
      random_sequences<float>(9, {40, 3, 0, 40, 17, 31, 8, 40, 40, 40, 2, 1, 40, 40, 39, 38, 37, 36, 35}, 40);
  Crf<float> crf(9);
  initialize(crf, Rng(1));
  std::vector<Index> labels(std::size_t(z.packing.total()));
  for (std::size_t n = 0; n < labels.size(); ++n) labels[n] = Index(n * 7 % 9);
  const int before = threads();
  std::vector<std::pair<Crf<float>, PackedSequence<float>>> results;
  for (const int n : {1, 2, 3}) {
    set_threads(n);
    Crf<float>::Scratch s;
    auto& [gradient, dz] = results.emplace_back(zeros_like(crf), PackedSequence<float>{});
    crf.loss(z, labels, dz, gradient, s);
    CHECK(gradient.transitions == results[0].first.transitions);
    CHECK(gradient.start_transitions == results[0].first.start_transitions);
    CHECK(dz.values == results[0].second.values);
  }
  set_threads(before);
}

TEST_CASE("a CRF decodes nothing that is forbidden, however the scores are") {
  const std::vector<std::string> names{"B-A", "B-B", "I-A", "I-B", "O"};
  Crf<float> crf(5, forbidden_by(TagScheme::bio, names));
  const PackedSequence<float> z = random_sequences<float>(5, {30, 1, 12}, 30);
  PackedSequence<float> large = z;
  large.values *= 100;
  const std::vector<Index> y = crf.decode(large);
  for (Index j = 0; j < 3; ++j)
    for (Index t = 0; t < z.packing.length(j); ++t) {
      const std::string& tag = names[std::size_t(y[std::size_t(z.packing.offset(t) + j)])];
      if (tag[0] != 'I') continue;
      REQUIRE(t > 0);
      const std::string& before = names[std::size_t(y[std::size_t(z.packing.offset(t - 1) + j)])];
      CHECK(before.substr(1) == tag.substr(1));
    }
}

TEST_CASE("of equal sequences of labels a CRF takes the smaller numbers, the last label first") {
  const Index lengths[] = {3};
  const Crf<float> crf(3);
  CHECK(crf.decode({Matrix<float>::Zero(3, 3), Packing::from_lengths(lengths, 3)}) == std::vector<Index>{0, 0, 0});
}

TEST_CASE("what tag schemes forbid") {
  const auto allowed = [](TagScheme scheme, const std::vector<std::string>& names, const std::string& a,
                          const std::string& b) {
    const ForbiddenTransitions f = forbidden_by(scheme, names);
    const auto number = [&](const std::string& name) {
      return Index(std::find(names.begin(), names.end(), name) - names.begin());
    };
    const auto has = [](const auto& list, const auto& x) {
      return std::find(list.begin(), list.end(), x) != list.end();
    };
    if (a.empty()) return !has(f.starts, number(b));
    if (b.empty()) return !has(f.ends, number(a));
    return !has(f.pairs, std::pair<Index, Index>(number(a), number(b)));
  };
  const std::vector<std::string> bi{"O", "B-X", "I-X", "B-Y", "I-Y"};
  const std::vector<std::string> bilou{"O", "B-X", "I-X", "L-X", "U-X", "I-Y"},
      iobes{"O", "B-X", "I-X", "E-X", "S-X", "I-Y"};
  CHECK(!allowed(TagScheme::bio, bi, "O", "I-X"));
  CHECK(!allowed(TagScheme::bio, bi, "B-Y", "I-X"));
  CHECK(!allowed(TagScheme::bio, bi, "", "I-X"));
  CHECK(allowed(TagScheme::bio, bi, "B-X", "I-X"));
  CHECK(allowed(TagScheme::bio, bi, "I-X", "I-X"));
  CHECK(allowed(TagScheme::bio, bi, "I-X", "B-X"));
  CHECK(!allowed(TagScheme::iob1, bi, "O", "B-X"));
  CHECK(!allowed(TagScheme::iob1, bi, "", "B-X"));
  CHECK(!allowed(TagScheme::iob1, bi, "I-Y", "B-X"));
  CHECK(allowed(TagScheme::iob1, bi, "I-X", "B-X"));
  CHECK(allowed(TagScheme::iob1, bi, "O", "I-X"));
  for (const auto& [names, last, unit] : {std::tuple{bilou, "L-X", "U-X"}, std::tuple{iobes, "E-X", "S-X"}}) {
    CHECK(allowed(TagScheme::bilou, names, "B-X", last));
    CHECK(allowed(TagScheme::bilou, names, "B-X", "I-X"));
    CHECK(allowed(TagScheme::bilou, names, last, unit));
    CHECK(!allowed(TagScheme::bilou, names, "B-X", "O"));
    CHECK(!allowed(TagScheme::bilou, names, "B-X", "I-Y"));
    CHECK(!allowed(TagScheme::bilou, names, "O", last));
    CHECK(!allowed(TagScheme::bilou, names, unit, last));
    CHECK(!allowed(TagScheme::bilou, names, "B-X", ""));
    CHECK(allowed(TagScheme::bilou, names, unit, ""));
    CHECK(!allowed(TagScheme::bilou, names, "", last));
  }
  CHECK_THROWS_WITH(forbidden_by(TagScheme::bio, {"O", "L-X"}),
                    "forbidden_by: 'L-X' is no tag of the scheme, expected O or one of BI, a hyphen and a kind");
}

TEST_CASE("a CRF refuses labels that are outside, or that it forbids") {
  const Index lengths[] = {2};
  const PackedSequence<double> z{Matrix<double>::Zero(3, 2), Packing::from_lengths(lengths, 2)};
  const Crf<double> crf(3, {.pairs = {{0, 1}}, .starts = {2}});
  Crf<double>::Scratch s;
  CHECK_THROWS_WITH(crf.loss(z, std::vector<Index>{0, 3}, s), "Crf: label 1 is 3, expected 0 to 2");
  CHECK_THROWS_WITH(crf.loss(z, std::vector<Index>{0, 1}, s),
                    "Crf: the labels of sequence 0 are forbidden: label 1 at step 1 after 0, the last");
  CHECK_THROWS_WITH(crf.loss(z, std::vector<Index>{2, 1}, s),
                    "Crf: the labels of sequence 0 are forbidden: label 2 at step 0, the first");
  CHECK_THROWS_WITH(crf.loss(z, std::vector<Index>{0}, s),
                    "loss: 1 targets for an output of 2 columns, one for each step of the 1 sequences; is a FinalState "
                    "missing in the model, or was a target for each step meant?");
  CHECK_THROWS_WITH(Crf<double>(3, {.pairs = {{0, 3}}}), "Crf: forbidden label 3, expected 0 to 2");
}
