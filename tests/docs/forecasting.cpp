// Forecasting a series: the last 48 values in, the next 12 out. The program of docs/forecasting.md.
// region includes
#include <cmath>
#include <cstdio>
#include <numbers>
#include <vector>

#include <unroll/io/model_file.hpp>
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

// region windows
constexpr Index past = 48, future = 12;

/// Every stretch of past + future values: the first part a sequence of one feature, the second its target. Both are
/// taken relative to the last known value, so that the model learns the change and "no change" is the output 0.
SequenceDataset<float> windows(std::span<const float> series) {
  const Index n = static_cast<Index>(series.size()) - past - future + 1;
  std::vector<Eigen::MatrixXf> inputs;  // one (D, T) matrix a sequence; D is 1 here
  Eigen::MatrixXf targets(future, n);   // a column a sequence
  for (Index k = 0; k < n; ++k) {
    const Eigen::Map<const Eigen::RowVectorXf> before(series.data() + k, past);
    const Eigen::Map<const Eigen::VectorXf> after(series.data() + k + past, future);
    const float now = before[past - 1];
    inputs.push_back(before.array() - now);
    targets.col(k) = after.array() - now;
  }
  return SequenceDataset(inputs, targets);
}
// endregion

int main() {
  // region split
  std::vector<float> series = load_of_hours(4000);
  // In order of time, and scaled by what is known of the training part alone.
  const Index learn = 2800, tune = 3400;
  Eigen::Map<Eigen::ArrayXf> all(series.data(), static_cast<Index>(series.size()));
  const float mean = all.head(learn).mean(), deviation = std::sqrt((all.head(learn) - mean).square().mean());
  all = (all - mean) / deviation;
  const std::span<const float> values(series);
  const auto training = windows(values.first(learn)), validation = windows(values.subspan(learn, tune - learn)),
             test = windows(values.subspan(tune));
  // endregion

  // region train
  Sequential model{FinalState{Recurrent{Gru{1, 24}}}, Dense{24, future}};
  initialize(model, Rng(1));
  const History history = fit(model, MeanSquaredError{}, Adam{.rate = 3e-3}, training,
                              {.epochs = 5,
                               .batch_size = 32,
                               .seed = 1,
                               .validation = &validation,
                               .clip_norm = 1,
                               .callbacks = {EarlyStopping{.monitor = "val_loss", .patience = 3}}});
  for (const EpochLog& epoch : history.epochs)
    std::printf("epoch %td: mean squared error %.2f, validation %.2f\n", epoch.epoch, epoch.training.loss,
                epoch.validation->loss);
  // endregion

  // region score
  const Eigen::MatrixXf forecast = infer(model, test);                // (future, n), a column a sequence
  const Eigen::MatrixXf truth = test.targets().values.cast<float>();  // all relative to the last known value
  Eigen::MatrixXf yesterday = truth;
  for (Index k = 0; k < test.size(); ++k) yesterday.col(k) = test[k].middleCols(past - 24, future).transpose();
  const double noise = std::pow(10 * 0.15 / deviation, 2);  // known here, because the series is made up
  double least = 0;
  for (Index h = 1; h <= future; ++h) least += noise * (1 - std::pow(0.9, 2 * h)) / (1 - 0.9 * 0.9) / future;

  std::printf("mean squared error over %td forecasts from the last 600 hours\n", test.size());
  std::printf("as it is now        %.2f\n", truth.array().square().mean());
  std::printf("as it was yesterday %.2f\n", (yesterday - truth).array().square().mean());
  std::printf("the model           %.2f\n", (forecast - truth).array().square().mean());
  std::printf("the least possible  %.2f\n", least);
  // endregion

  // region save
  save("load.safetensors", model, {.extra = {{"deviation", std::to_string(deviation)}}});
  // endregion

  // region load
  const auto make = [](const ModelInfo&) { return Sequential{FinalState{Recurrent{Gru{1, 24}}}, Dense{24, future}}; };
  const auto [loaded, info] = load_model(make, "load.safetensors");
  const float scale = std::stof(info.value("deviation"));

  const std::vector<float> hours = load_of_hours(4100);
  const Eigen::Map<const Eigen::RowVectorXf> known(hours.data() + 4000 - past, past);  // up to hour 3999
  const float now = known[past - 1];
  const Eigen::MatrixXf change = infer(loaded, ((known.array() - now) / scale).matrix());  // (future, 1)
  for (const Index h : {1, 6, 12})
    std::printf("%td h ahead: %.1f, and it became %.1f\n", h, now + scale * change(h - 1, 0),
                hours[static_cast<std::size_t>(3999 + h)]);
  // endregion
}
