// Forecasting a series: a table in, the next 12 hours out. The program of docs/forecasting.md.
// region includes
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <numbers>
#include <vector>

#include <unroll/data/scaler.hpp>
#include <unroll/data/series_windows.hpp>
#include <unroll/data/table.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/layer/window_norm.hpp>
#include <unroll/loss/quantile.hpp>
#include <unroll/metric/forecast.hpp>
#include <unroll/train/recursive_forecast.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

// region series
/// Hours of a made-up load: a day, a week, and what is left over, which forgets a tenth of itself in an hour.
std::vector<float> load_of_hours(Index hours) {
  std::vector<float> series;
  Rng rng(1);
  double rest = 0;
  for (Index t = 0; t < hours; ++t) {
    const double day = 2 * std::numbers::pi * static_cast<double>(t) / 24;
    rest = 0.9 * rest + 0.15 * rng.normal();
    series.push_back(static_cast<float>(50 + 10 * (std::sin(day) + 0.5 * std::sin(day / 7) + rest)));
  }
  return series;
}
// endregion

/// As a table: the hour and the load.
void write_load(const char* path, const std::vector<float>& load) {
  std::ofstream file(path);
  file << "date,load\n";
  for (std::size_t t = 0; t < load.size(); ++t) {
    const std::chrono::sys_days day =
        std::chrono::sys_days(std::chrono::year(2024) / 1 / 1) + std::chrono::days(t / 24);
    const std::chrono::year_month_day date(day);
    char text[64];
    std::snprintf(text, sizeof text, "%d-%02u-%02u %02d:00,%.3f\n", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(t % 24),
                  static_cast<double>(load[t]));
    file << text;
  }
}

// region baselines
/// What stands `season` hours before each hour that is to be forecast, of those that are known; 1: the last known
/// value.
Matrix<float> as_it_was(const SeriesWindows<float>& windows, Index season) {
  Matrix<float> forecast(windows.outputs(), windows.size());
  const Index known = windows.options().look_back;
  for (Index k = 0; k < windows.size(); ++k)
    for (Index h = 0; h < forecast.rows(); ++h) forecast(h, k) = windows[k](0, known - season + h % season);
  return forecast;
}
// endregion

// region model
auto make_model(Index outputs) { return LastValue{Sequential{FinalState{Recurrent{Gru{1, 24}}}, Dense{24, outputs}}}; }
// endregion

int main() {
  write_load("load.csv", load_of_hours(4000));
  // region all
  const DataTable table = read_table("load.csv", {.columns = {"load"}, .time = "date"});
  const Index learn = table.rows() * 7 / 10;  // what comes later is not known yet
  const Scaler scaler = Scaler::standard(table.values.leftCols(learn));
  const SeriesWindows windows(scaler.scale(table.values), {.look_back = 48, .horizon = 12});
  const auto [training, validation, test] = split_in_time(windows, 0.7, 0.15);

  auto model = make_model(windows.outputs());
  initialize(model, Rng(1));
  fit(model, MeanSquaredError{}, Adam{.rate = 3e-3}, training,
      {.epochs = 5,
       .batch_size = 32,
       .seed = 1,
       .validation = validation,
       .clip_norm = 1,
       .callbacks = {EarlyStopping{.monitor = "val_loss", .patience = 3, .restore_best = true}}});
  const Matrix<float> forecast = infer(model, test);  // (12, n): a column for each window of the test
  // endregion

  // region score
  const Matrix<float> truth = test.truth();
  const auto score = [&](const char* who, const Matrix<float>& of) {
    std::printf("%s %.2f\n", who, (of - truth).squaredNorm() / static_cast<float>(truth.size()));
  };
  std::printf("mean squared error over %td forecasts\n", test.size());
  score("as it is now       ", as_it_was(test, 1));
  score("as it was yesterday", as_it_was(test, 24));
  score("the model          ", forecast);
  const double noise = std::pow(10 * 0.15 / scaler.width()[0], 2);  // known here, because the series is made up
  double least = 0;
  for (Index h = 1; h <= 12; ++h) least += noise * (1 - std::pow(0.9, 2 * h)) / (1 - 0.9 * 0.9) / 12;
  std::printf("the least possible  %.2f\n", least);
  // endregion

  // region scores
  const auto known = table.values.leftCols(learn).eval();
  ForecastScores scores(seasonal_naive_error(std::span<const float>(known.data(), known.size()), 24));
  scores.add(scaler.unscale(truth), scaler.unscale(forecast));
  std::printf("MAPE %.2f, MASE %.2f\n", scores.mape(), scores.mase());
  // endregion

  // region quantiles
  const Quantile quantiles{{0.1, 0.5, 0.9}};
  auto wide = make_model(quantiles.outputs(windows.outputs()));
  initialize(wide, Rng(1));
  fit(wide, quantiles, Adam{.rate = 3e-3}, training, {.epochs = 5, .batch_size = 32, .seed = 1, .clip_norm = 1});
  const Matrix<float> levels = infer(wide, test);
  const auto within =
      truth.array() > quantiles.level(levels, 0).array() && truth.array() < quantiles.level(levels, 2).array();
  std::printf("between the quantiles 0.1 and 0.9: %.1f of what came\n", within.cast<float>().mean());
  // endregion

  // region save
  save("load.safetensors", model, {.extra = {{"scaler", scaler.text()}}});
  // endregion

  // region load
  const auto [loaded, info] = load_model([](const ModelInfo&) { return make_model(12); }, "load.safetensors");
  const Scaler saved = Scaler::from_text(info.value("scaler"));
  const DataTable today = read_table("load.csv", {.columns = {"load"}});
  const Matrix<float> next = saved.unscale(infer(loaded, saved.scale(today.values.rightCols(48))));
  const std::vector<float> hours = load_of_hours(4100);
  for (const Index h : {1, 6, 12})
    std::printf("%td h ahead: %.1f, and it became %.1f\n", h, next(h - 1, 0),
                hours[static_cast<std::size_t>(3999 + h)]);
  // endregion
  // region further
  const Matrix<float> far =
      saved.unscale(forecast_recursively(loaded, saved.scale(today.values.rightCols(48)), 36));  // (1, 36)
  std::printf("36 h ahead: %.1f, and it became %.1f\n", far(0, 35), hours[4035]);
  // endregion
}
