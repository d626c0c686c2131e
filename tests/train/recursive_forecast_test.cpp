// Forecasts further ahead than a model was made for.
#include <doctest/doctest.h>

#include <unroll/data/series_windows.hpp>
#include <unroll/layer/window_norm.hpp>
#include <unroll/train/recursive_forecast.hpp>
#include <unroll/unroll.hpp>

#include "../io/support.hpp"

namespace recursive_forecast_test {

using namespace unroll;

auto make_model(Index features, Index ahead) {
  Sequential model{FinalState{Recurrent{Gru{features, 4}}}, Dense{4, features * ahead}};
  initialize(model, Rng(1));
  return model;
}
Eigen::MatrixXf series(Index features, Index steps) {
  Eigen::MatrixXf x(features, steps);
  Rng rng(2);
  for (Index k = 0; k < x.size(); ++k) x.data()[k] = static_cast<float>(rng.normal());
  return x;
}
/// Asked again and again by hand.
Eigen::MatrixXf by_hand(const auto& model, Eigen::MatrixXf x, Index steps) {
  const Index length = x.cols();
  while (x.cols() < length + steps) {
    const Eigen::MatrixXf y = infer(model, x.rightCols(length));
    const Index old = x.cols(), ahead = y.rows() / x.rows();
    x.conservativeResize(Eigen::NoChange, old + ahead);
    for (Index h = 0; h < ahead; ++h) x.col(old + h) = y.col(0).segment(h * x.rows(), x.rows());
  }
  return x.middleCols(length, steps);
}

TEST_CASE("a model of a few steps forecasts any number of them, as if it was asked again by hand") {
  for (const Index ahead : {1, 3, 9})
    for (const Index steps : {0, 1, 7, 12}) {
      CAPTURE(ahead);
      CAPTURE(steps);
      const auto model = make_model(2, ahead);
      const Eigen::MatrixXf x = series(2, 5);
      const Eigen::MatrixXf y = forecast_recursively(model, x, steps);
      REQUIRE(y.rows() == 2);
      REQUIRE(y.cols() == steps);
      CHECK(y == by_hand(model, x, steps));
    }
}

TEST_CASE("all windows of a series are forecast side by side, as each alone") {
  const auto model = LastValue{make_model(2, 3)};
  const SeriesWindows<float> windows(series(2, 40), {.look_back = 6, .horizon = 8});
  for (const Index batch : {1, 10, 256}) {
    const Matrix<float> all = forecast_recursively(model, windows, 8, batch);
    REQUIRE(all.cols() == windows.size());
    REQUIRE(all.rows() == windows.outputs());
    for (Index k = 0; k < windows.size(); ++k) {
      const Matrix<float> one = forecast_recursively(model, windows[k], 8);
      CHECK((all.col(k).reshaped(2, 8) - one).cwiseAbs().maxCoeff() < 1e-5F);
    }
  }
}

TEST_CASE("a model that says too little, and windows that cannot be, are refused") {
  const auto check_refused = [](const auto& call, std::initializer_list<const char*> parts) {
    const std::string message = message_of<std::invalid_argument>(call);
    CAPTURE(message);
    for (const char* const part : parts) CHECK(message.find(part) != std::string::npos);
  };
  const Eigen::MatrixXf x = series(2, 5);
  check_refused([&] { forecast_recursively(make_model(2, 1), x, -1); }, {"-1 steps ahead"});
  check_refused([&] { forecast_recursively(make_model(2, 1), Eigen::MatrixXf(2, 0), 3); }, {"step"});
  Sequential one{FinalState{Recurrent{Gru{2, 4}}}, Dense{4, 1}};
  check_refused([&] { forecast_recursively(one, x, 3); }, {"(1, 1)", "2 features"});
  const Sequential each_step{Recurrent{Gru{2, 4}}, Dense{4, 2}};
  check_refused([&] { forecast_recursively(each_step, x, 3); }, {"(2, 5)", "1 windows"});
  const SequenceDataset<> ragged({series(2, 4), series(2, 5)});
  check_refused([&] { forecast_recursively(make_model(2, 1), ragged, 3); }, {"windows of 4 and of 5 steps"});
  check_refused([&] { forecast_recursively(make_model(2, 1), ragged, 3, 0); }, {"batch_size", "0"});
}

}  // namespace recursive_forecast_test
