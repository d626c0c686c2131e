// What comes next? An essay in one program: a GRU reads the last weeks of a series and says the next hours, beside
// forecasts that cost nothing and linear models of the same window.
//
//   forecast train --data ETTh1.csv --time date --column OT --borders 8640,11520,14400
//   forecast predict --data ETTh1.csv      what follows the last row of a file, in its own unit
//
// Without --column all columns are forecast, each as a series of its own, by one model (channel independence). Each has
// --help. The model sees every window relative to its last value: before it has learned anything it says "as it is
// now".
#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <unroll/data/gzip.hpp>
#include <unroll/data/scaler.hpp>
#include <unroll/data/series_windows.hpp>
#include <unroll/data/table.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/layer/flatten.hpp>
#include <unroll/layer/window_norm.hpp>
#include <unroll/unroll.hpp>

#include "training.hpp"

namespace {

using namespace unroll;
namespace fs = std::filesystem;
using Windows = SeriesWindows<float>;

// 1. The models: a window (1, look_back) in, the next `horizon` values out.

struct Shape {
  Index look_back = 336, horizon = 24, patch = 24, units = 64;
  double dropout = 0.3;
  UNROLL_OPTIONS(look_back, horizon, patch, units, dropout)
};

/// SegRNN (Lin et al. 2023): a GRU reads the window patch by patch. From where it ends, one step for each patch of the
/// future, side by side, whose input says only which one it is.
struct SegRnn : Composite<SegRnn> {
  Shape shape;
  Patches<> patches, whole;
  Dense<> embed;
  Relu<> relu;
  Recurrent<Gru<>> read;
  Dense<> places;
  Dropout<> drop;
  Dense<> head;
  UNROLL_PARTS(shape, patches, whole, embed, relu, read, places, drop, head)

  explicit SegRnn(const Shape& of = {})
      : shape(of),
        patches(of.patch),
        whole(of.look_back),
        embed(of.patch, of.units),
        read(Gru{of.units, of.units}),
        places(1, (of.horizon + of.patch - 1) / of.patch * of.units),
        drop(of.dropout),
        head(of.units, of.patch) {}

  auto operator()(Wiring& run, Node<PackedSequence<>> x) const {
    const auto h = run(read, run(relu, run(embed, run(patches, x))));
    const auto one_step = run(whole, x);  // of each window
    const auto place = run(places, 0.0 * last_step(x));
    Node<Matrix<>> y;
    for (Index first = 0; first < shape.horizon; first += shape.patch) {
      const auto which = rows(place, first / shape.patch * shape.units, shape.units);
      const auto next = run(read, each_step(which, one_step), from(h.state));
      const Node<Matrix<>> part = run(head, run(drop, final_output(next)));
      y = first == 0 ? part : concat_rows(y, part);
    }
    return shape.horizon % shape.patch == 0 ? y : Node<Matrix<>>(rows(y, 0, shape.horizon));
  }
};
using Forecaster = LastValue<SegRnn>;

/// Zeng et al. 2023: a line through the window; NLinear relative to the last value, DLinear through a moving average of
/// 25 steps and what is left of it.
auto make_nlinear(const Shape& of) { return LastValue{Sequential{Flatten{}, Dense{of.look_back, of.horizon}}}; }
struct DLinear : Composite<DLinear> {
  Flatten<> flatten;
  Dense<> average, trend, rest;
  UNROLL_PARTS(flatten, average, trend, rest)

  explicit DLinear(const Shape& of)
      : average(of.look_back, of.look_back, {.bias = false}),
        trend(of.look_back, of.horizon),
        rest(of.look_back, of.horizon) {}

  void initialize(Rng rng, const Scheme& scheme) {
    Composite::initialize(rng, scheme);
    const Index last = average.weight.rows() - 1;
    average.weight.setZero();  // which repeats the values at both ends
    for (Index t = 0; t <= last; ++t)
      for (Index k = -12; k <= 12; ++k) average.weight(t, std::clamp<Index>(t + k, 0, last)) += 1 / 25.0f;
    average.weight.trainable = false;
  }
  auto operator()(Wiring& run, Node<PackedSequence<>> x) const {
    const auto window = run(flatten, x);
    const auto smooth = run(average, window);
    return run(trend, smooth) + run(rest, window - smooth);
  }
};

// 2. The data.

struct Options {
  fs::path data;
  std::string time, column;
  char delimiter = ',';
  std::vector<Index> borders;
  Index season = 24;
  Shape shape;
  Index epochs = 5, batch = 32;
  double rate = 1e-3;
  std::uint64_t seed = 1;
  bool alone = false;
  training::Files files{.save = "forecast.safetensors"};
};

DataTable read(const Options& options) {
  TableOptions how{.time = options.time, .delimiter = options.delimiter, .read = read_gzip_file};
  if (!options.column.empty()) how.columns = {options.column};
  return read_table(options.data, how);
}
TimeBorders borders_of(const Options& options, Index steps) {
  if (options.borders.empty()) return {steps * 7 / 10, steps * 8 / 10, steps};
  require(options.borders.size() == 3, "--borders are three: where training, validation and test end");
  return {options.borders[0], options.borders[1], options.borders[2]};
}

// 3. What a forecast is worth: beside those that cost nothing.

double squared_error(const Matrix<float>& forecast, const Matrix<float>& truth) {
  return (forecast - truth).cast<double>().squaredNorm() / static_cast<double>(truth.size());
}
double absolute_error(const Matrix<float>& forecast, const Matrix<float>& truth) {
  return (forecast - truth).cast<double>().cwiseAbs().sum() / static_cast<double>(truth.size());
}
/// As it was `season` steps before, of those that are known; 1: as it is now.
Matrix<float> naive_forecast(const Windows& windows, Index season) {
  const Index L = windows.options().look_back;
  Matrix<float> forecast(windows.outputs(), windows.size());
  for (Index k = 0; k < windows.size(); ++k)
    for (Index h = 0; h < forecast.rows(); ++h) forecast(h, k) = windows[k](0, L - season + h % season);
  return forecast;
}
void print_errors(const std::string& who, const Matrix<float>& forecast, const Matrix<float>& truth) {
  std::cout << std::left << std::setw(24) << who << std::right << std::fixed << std::setprecision(4) << "squared error "
            << squared_error(forecast, truth) << ", absolute " << absolute_error(forecast, truth) << std::endl;
}

// 4. Training.

/// Keeps the weights of the epoch with the least error on validation. `files` are null for what is only compared.
template <class M>
void learn(M& model, const Options& options, const TimeSplit<float>& parts, const training::Files* files) {
  initialize(model, Rng(options.seed), Scheme::pytorch());
  FitOptions<Windows> how{.epochs = options.epochs,
                          .batch_size = options.batch,
                          .seed = options.seed,
                          .validation = parts.validation,
                          .clip_norm = 1,
                          .callbacks = {training::DownToZero{options.rate, options.rate / 50},
                                        EarlyStopping{.monitor = "val_loss", .patience = 1000, .restore_best = true}},
                          .progress = files == nullptr ? nullptr : &std::cout};
  if (files != nullptr) files->follow(how, 500, "the best weights so far are kept");
  const History history = fit(model, MeanSquaredError{}, Adam{.rate = options.rate}, parts.training, how);
  require<std::runtime_error>(history.stopped != Stopped::not_finite, history.message);
}

void train(const Options& options) {
  const Shape& shape = options.shape;
  require(shape.look_back % shape.patch == 0, "--look-back ", shape.look_back, " is no multiple of --patch ",
          shape.patch);
  require(shape.look_back >= options.season, "--look-back ", shape.look_back, " is less than --season ",
          options.season);
  const DataTable table = read(options);
  const TimeBorders ends = borders_of(options, table.rows());
  require(0 < ends.training && ends.training <= table.rows(), "--borders: training ends at ", ends.training, " of ",
          table.rows(), " rows");
  const Scaler scaler = Scaler::standard(table.values.leftCols(ends.training));
  const Windows all(scaler.scale(table.values),
                    {.look_back = shape.look_back, .horizon = shape.horizon, .each_alone = true});
  const TimeSplit<float> parts = split_in_time(all, ends);
  std::cout << table.rows() << " rows of " << table.names.size() << " columns; " << parts.training.size()
            << " windows to learn from, " << parts.validation.size() << " to validate on, " << parts.test.size()
            << " to test\n\n";

  Forecaster model{SegRnn(shape)};
  summary(model, std::cout);
  std::cout << '\n';
  learn(model, options, parts, &options.files);
  save(options.files.save, model,
       {.extra = {{"scaler", scaler.text()}, {"time", options.time}, {"column", options.column}}});
  std::cout << "saved to " << options.files.save.string() << "\n\non the test, scaled:\n";

  const Matrix<float> truth = parts.test.truth();
  print_errors("as it is now", naive_forecast(parts.test, 1), truth);
  print_errors(concat_text("as it was ", options.season, " before"), naive_forecast(parts.test, options.season), truth);
  if (!options.alone) {
    auto nlinear = make_nlinear(shape);
    learn(nlinear, options, parts, nullptr);
    print_errors("NLinear", infer(nlinear, parts.test), truth);
    DLinear dlinear(shape);
    learn(dlinear, options, parts, nullptr);
    print_errors("DLinear", infer(dlinear, parts.test), truth);
  }
  print_errors("the model", infer(model, parts.test), truth);
}

// 5. Using it.

void predict(Options options, const fs::path& path) {
  const auto make = [](const ModelInfo& info) { return Forecaster(SegRnn(info.options_of<Shape>("inner.shape"))); };
  const auto [model, info] = load_model(make, path);
  const Scaler scaler = Scaler::from_text(info.value("scaler"));
  options.time = info.value("time"), options.column = info.value("column");
  const DataTable table = read(options);
  const Shape& shape = model.inner.shape;
  require(table.rows() >= shape.look_back, options.data.string(), ": ", table.rows(), " rows, the model looks back on ",
          shape.look_back);
  const Matrix<float> window = scaler.scale(table.values.rightCols(shape.look_back));
  Matrix<float> forecast(window.rows(), shape.horizon);
  for (Index d = 0; d < window.rows(); ++d) forecast.row(d) = infer(model, window.row(d)).transpose();
  std::cout << "step";
  for (const std::string& name : table.names) std::cout << ',' << name;
  const Matrix<float> values = scaler.unscale(forecast);
  for (Index h = 0; h < shape.horizon; ++h) {
    std::cout << '\n' << h + 1;
    for (Index d = 0; d < values.rows(); ++d) std::cout << ',' << values(d, h);
  }
  std::cout << std::endl;
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Learns to forecast a series, and forecasts.");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& e) { return concat_text("forecast: ", e.what(), "\n"); });
  int threads = 0;
  Options options;
  fs::path model = options.files.save;
  const auto add_common = [&](CLI::App* command) {
    command->add_option("--data", options.data, "a table, .csv (.gz too), whose first line names the columns")
        ->required();
    command->add_option("--delimiter", options.delimiter, "between its fields")->capture_default_str();
    training::add_threads(*command, threads);
  };
  CLI::App* const train_command = app.add_subcommand("train", "learn from a table, save the model, test it");
  add_common(train_command);
  train_command->add_option("--time", options.time, "the column of times, which must not go backwards");
  train_command->add_option("--column", options.column, "the column to forecast; default: all, each by itself");
  train_command
      ->add_option("--borders", options.borders,
                   "the rows at which training, validation and test end; default: 70, 80 and 100 % of them")
      ->delimiter(',');
  train_command->add_option("--season", options.season, "steps of a day, to compare with")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  const auto add_size = [&](const char* name, Index& to, const char* what) {
    train_command->add_option(name, to, what)->check(CLI::Range(1, 1'000'000))->capture_default_str();
  };
  add_size("--horizon", options.shape.horizon, "steps to forecast");
  add_size("--look-back", options.shape.look_back, "steps to see");
  add_size("--patch", options.shape.patch, "steps that the GRU reads at once");
  add_size("--units", options.shape.units, "of the GRU");
  train_command->add_option("--dropout", options.shape.dropout)->check(CLI::Range(0.0, 0.99))->capture_default_str();
  add_size("--epochs", options.epochs, "the best of which is kept");
  add_size("--batch", options.batch, "windows a batch");
  train_command->add_option("--rate", options.rate)->check(CLI::Range(1e-9, 10.0))->capture_default_str();
  train_command->add_option("--seed", options.seed)->capture_default_str();
  train_command->add_flag("--alone", options.alone, "train no linear models to compare with");
  options.files.add_options(*train_command);

  CLI::App* const predict_command = app.add_subcommand("predict", "what follows the last row of a table");
  add_common(predict_command);
  predict_command->add_option("--model", model)->capture_default_str();

  CLI11_PARSE(app, argc, argv);
  set_threads(threads);
  if (train_command->parsed())
    train(options);
  else
    predict(options, model);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "forecast: " << error.what() << '\n';
  return 1;
}
