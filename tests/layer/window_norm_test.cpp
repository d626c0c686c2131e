// Windows: relative to themselves, flattened, cut into segments.
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/flatten.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/layer/window_norm.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/sequences.hpp"

namespace {
using namespace unroll;

/// Two features in, two steps of both out.
auto small_forecaster() { return Sequential{FinalState{Recurrent{Gru<double>{2, 3}}}, Dense<double>{3, 4}}; }
template <class M> Matrix<double> forecast_of(const M& model, const PackedSequence<double>& x) {
  CacheFor<M, PackedSequence<double>> cache;
  return model.forward({}, x, cache);
}
PackedSequence<double> equal_windows(Index features, Index batch, Index steps) {
  return random_sequences<double>(features, std::vector<Index>(static_cast<std::size_t>(batch), steps), steps);
}
}  // namespace

TEST_CASE("a forecaster that gives zeros says: as it is now, and moves with its window") {
  const std::vector<Eigen::MatrixXd> windows{Eigen::MatrixXd::Random(2, 4), Eigen::MatrixXd::Random(2, 1),
                                             Eigen::MatrixXd(2, 0)};
  const LastValue zero{small_forecaster()};
  const Matrix<double> y = forecast_of(zero, pack(windows));
  for (Index k = 0; k < 4; ++k) {
    CHECK(y(k, 0) == windows[0](k % 2, 3));
    CHECK(y(k, 1) == windows[1](k % 2, 0));
    CHECK(y(k, 2) == 0);
  }

  LastValue model{small_forecaster()};
  RevIn scaled{small_forecaster()};
  randomize(model, Rng(1)), randomize(scaled, Rng(1));
  const std::vector<Eigen::MatrixXd> first{windows[0]}, wider{windows[0] * 1000};
  std::vector<Eigen::MatrixXd> moved = first;
  moved[0].row(1).array() += 7;
  const Matrix<double> before = forecast_of(model, pack(first));
  const Matrix<double> after = forecast_of(model, pack(moved));
  CHECK(after(0, 0) == doctest::Approx(before(0, 0)).epsilon(1e-12));
  CHECK(after(3, 0) == doctest::Approx(before(3, 0) + 7).epsilon(1e-12));
  CHECK(forecast_of(scaled, pack(wider))(3, 0) ==
        doctest::Approx(1000 * forecast_of(scaled, pack(first))(3, 0)).epsilon(1e-3));
}

TEST_CASE("rows that are no values are left alone, and targets say which feature a row is of") {
  const auto x = equal_windows(3, 2, 4);
  // Deviations of one target over two steps: their rows come after those of the values.
  const LastValue model{Sequential{FinalState{Recurrent{Gru<double>{3, 3}}}, Dense<double>{3, 4}},
                        {.targets = {1}, .values = 2}};
  const Matrix<double> y = forecast_of(model, x);
  CHECK(y(0, 1) == x.values(1, x.packing.offset(3) + 1));
  CHECK(y(1, 1) == x.values(1, x.packing.offset(3) + 1));
  CHECK(y.bottomRows(2).isZero(0));
}

TEST_CASE("features that are as they are reach the inner model unchanged, and are not forecast") {
  const auto x = random_sequences<double>(3, ragged_lengths(), 6);
  const auto inner = [] { return Sequential{FinalState{Recurrent{Gru<double>{3, 3}}}, Dense<double>{3, 4}}; };
  RevIn model{inner(), {.outputs = {.as_is = 1}, .affine = 2}};
  LastValue last{inner(), {.as_is = 1}};
  randomize(model, Rng(1)), randomize(last, Rng(2));
  CHECK(check_gradient(model, x).passed());
  CHECK(check_gradient(last, x).passed());
  CacheFor<decltype(last), PackedSequence<double>> cache;
  last.forward({}, x, cache);
  CHECK(cache.x.values.row(2) == x.values.row(2));
  CHECK(cache.x.values.row(0) != x.values.row(0));
}

TEST_CASE("the gradients of LastValue and RevIn are theirs, over lengths that differ, 0 and 1 among them") {
  const auto x = random_sequences<double>(2, ragged_lengths(), 6);
  LastValue last{small_forecaster()};
  RevIn plain{small_forecaster()}, affine{small_forecaster(), {.affine = 2}};
  LastValue some{small_forecaster(), {.targets = {1}, .values = 3}};
  randomize(last, Rng(1)), randomize(plain, Rng(2)), randomize(affine, Rng(3)), randomize(some, Rng(4));
  for (const GradientReport& report :
       {check_gradient(last, x), check_gradient(plain, x), check_gradient(affine, x), check_gradient(some, x)}) {
    INFO(report.str());
    CHECK(report.passed());
  }
  affine.gain.trainable = false;
  CHECK(check_gradient(affine, x).passed());
}

TEST_CASE("Flatten and Patches put steps on top of each other, and give each its gradient back") {
  const auto x = equal_windows(2, 3, 6);
  CacheFor<Flatten<double>, PackedSequence<double>> whole;
  const Matrix<double> flat = Flatten<double>{}.forward({}, x, whole);
  REQUIRE(flat.rows() == 12);
  for (Index b = 0; b < 3; ++b)
    for (Index t = 0; t < 6; ++t) CHECK(flat.col(b).segment(2 * t, 2) == x.values.col(x.packing.offset(t) + b));

  const std::vector<Index> lengths{3, 6, 0, 3};
  const auto ragged = random_sequences<double>(2, lengths, 6);
  const Patches<double> layer{3};
  CacheFor<Patches<double>, PackedSequence<double>> cut;
  const PackedSequence<double> segments = layer.forward({}, ragged, cut);
  CHECK(segments.packing == Packing::from_lengths(std::vector<Index>{1, 2, 0, 1}, 2));
  const Packing& p = segments.packing;
  for (Index t = 0; t < p.steps(); ++t)
    for (Index j = 0; j < p.batch_size(t); ++j)
      for (Index s = 0; s < 3; ++s)
        CHECK(segments.values.col(p.offset(t) + j).segment(2 * s, 2) ==
              ragged.values.col(ragged.packing.offset(3 * t + s) + j));

  Sequential linear{Flatten<double>{}, Dense<double>{12, 3}};
  Sequential segmented{Patches<double>{3}, FinalState{Recurrent{Gru<double>{6, 3}}}};
  randomize(linear, Rng(1)), randomize(segmented, Rng(2));
  CHECK(check_gradient(linear, x).passed());
  CHECK(check_gradient(segmented, ragged).passed());
}

TEST_CASE("windows that do not fit are refused") {
  const auto ragged = random_sequences<double>(2, ragged_lengths(), 6);  // 1, 6, 0 and 4 steps
  CacheFor<Flatten<double>, PackedSequence<double>> whole;
  CHECK_THROWS_WITH_AS(Flatten<double>{}.forward({}, ragged, whole),
                       "Flatten: the windows of a batch have 1 to 6 steps or none, expected as many in each",
                       std::invalid_argument);
  const Patches<double> layer{3};
  CacheFor<Patches<double>, PackedSequence<double>> cut;
  CHECK_THROWS_WITH_AS(layer.forward({}, ragged, cut),
                       doctest::Contains("Patches: sequence 3 has 4 steps, expected a multiple of 3"),
                       std::invalid_argument);
  CHECK_THROWS_AS(Patches<double>{0}, std::invalid_argument);
  CHECK_THROWS_WITH_AS(forecast_of(LastValue{small_forecaster(), {.targets = {2}}}, ragged),
                       "LastValue: target 2, expected 0 to 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(forecast_of(LastValue{small_forecaster(), {.values = 3}}, ragged),
                       "LastValue: 3 rows of values in the output, expected 2 for each step of the horizon, one for "
                       "each feature of the input",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(forecast_of(LastValue{small_forecaster(), {.values = 6}}, ragged),
                       "LastValue: 6 rows of values in an output of 4", std::invalid_argument);
  CHECK_THROWS_WITH_AS(forecast_of(RevIn{small_forecaster(), {.affine = 3}}, ragged),
                       "RevIn: input has 2 features, expected 3", std::invalid_argument);
  CHECK_THROWS_AS((RevIn{small_forecaster(), {.affine = -1}}), std::invalid_argument);
  CHECK_THROWS_WITH_AS(forecast_of(LastValue{small_forecaster(), {.as_is = 2}}, ragged),
                       "LastValue: 2 features as they are, of 2", std::invalid_argument);
}
