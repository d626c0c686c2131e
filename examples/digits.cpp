// Which digits stand there? An essay in one program: a bidirectional LSTM reads a strip of noisy pixels, a column at a
// time, and CTC finds out by itself where in it the digits are.
//
//   digits train --save digits.safetensors
//   digits read 31415 --model digits.safetensors       draws these digits, and reads them
//
// The strips are drawn here: digits of all widths and heights, slanted, touching and overlapping, under noise. Nobody
// says which columns belong to which digit, only what is written: "31415".
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include <unroll/data/label_sequence_dataset.hpp>
#include <unroll/head/ctc.hpp>
#include <unroll/head/ctc_beam_search.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/metric/edit_distance.hpp>
#include <unroll/unroll.hpp>

#include "training.hpp"

namespace {

using namespace unroll;
namespace fs = std::filesystem;

// 1. The strips.

constexpr Index rows = 14;  // pixels of a column, which is one step

constexpr std::array<std::array<std::string_view, 7>, 10> font{{
    {" ### ", "#   #", "#   #", "#   #", "#   #", "#   #", " ### "},
    {"  #  ", " ##  ", "# #  ", "  #  ", "  #  ", "  #  ", "#####"},
    {" ### ", "#   #", "    #", "   # ", "  #  ", " #   ", "#####"},
    {"#### ", "    #", "    #", " ### ", "    #", "    #", "#### "},
    {"#   #", "#   #", "#   #", "#####", "    #", "    #", "    #"},
    {"#####", "#    ", "#    ", "#### ", "    #", "    #", "#### "},
    {" ### ", "#    ", "#    ", "#### ", "#   #", "#   #", " ### "},
    {"#####", "    #", "   # ", "   # ", "  #  ", "  #  ", "  #  "},
    {" ### ", "#   #", "#   #", " ### ", "#   #", "#   #", " ### "},
    {" ### ", "#   #", "#   #", " ####", "    #", "    #", " ### "},
}};

/// How much ink is at row y, column x of a digit's picture, between its pixels, too.
double ink_at(Index digit, double y, double x) {
  const auto pixel = [&](double of_y, double of_x) {
    const bool inside = of_y >= 0 && of_y < 7 && of_x >= 0 && of_x < 5;
    return inside && font[std::size_t(digit)][std::size_t(of_y)][std::size_t(of_x)] == '#' ? 1.0 : 0.0;
  };
  const double top = std::floor(y - 0.5), left = std::floor(x - 0.5), down = y - 0.5 - top, right = x - 0.5 - left;
  return (1 - down) * ((1 - right) * pixel(top, left) + right * pixel(top, left + 1)) +
         down * ((1 - right) * pixel(top + 1, left) + right * pixel(top + 1, left + 1));
}

/// (rows, columns). Neighbors are up to two columns apart, or share one or two.
Eigen::MatrixXf draw(const std::vector<Index>& digits, double noise, Rng& rng) {
  Eigen::MatrixXf strip = Eigen::MatrixXf::Zero(rows, Index(13 * digits.size()) + 8);
  double x = rng.uniform(1, 4);
  for (const Index digit : digits) {
    const double width = rng.uniform(5, 10), height = rng.uniform(9, double(rows)), ink = rng.uniform(0.6, 1);
    const double top = rng.uniform(0, double(rows) - height), slant = rng.uniform(-0.25, 0.25);
    for (Index column = 0; column < strip.cols(); ++column)
      for (Index row = 0; row < rows; ++row) {
        const double v = (double(row) + 0.5 - top) / height * 7;
        const double u = (double(column) + 0.5 - x + slant * (double(row) - rows / 2.0)) / width * 5;
        strip(row, column) = std::max(strip(row, column), float(ink * ink_at(digit, v, u)));
      }
    x += width + rng.uniform(-1.5, 2);
  }
  strip.conservativeResize(rows, std::min(strip.cols(), Index(x + rng.uniform(1, 4))));
  const double paper = rng.uniform(-0.1, 0.1);
  for (Index k = 0; k < strip.size(); ++k) strip.data()[k] += float(paper + noise * rng.normal());
  return strip;
}

using Strips = LabelSequenceDataset<SequenceDataset<float>>;

/// Strips of 1 to `most` digits, whose classes are 1 to 10: 0 is the blank.
Strips make_strips(Index count, Index most, double noise, Rng rng) {
  std::vector<Eigen::MatrixXf> x;
  std::vector<std::vector<Index>> labels;
  for (Index k = 0; k < count; ++k) {
    std::vector<Index> digits(std::size_t(1 + rng.below(std::uint64_t(most))));
    for (Index& digit : digits) digit = Index(rng.below(10));
    x.push_back(draw(digits, noise, rng));
    auto& of = labels.emplace_back();
    for (const Index digit : digits) of.push_back(digit + 1);
  }
  return {SequenceDataset<float>(x), LabelSequences(labels)};
}
std::string text_of(std::span<const Index> labels) {
  std::string text;
  for (const Index label : labels) text += char('0' + label - 1);
  return text;
}

// 2. The model: every column read with what is left and right of it, and a score for each digit and the blank.

auto make_model(Index units) { return Sequential{Bidirectional{Lstm{rows, units}}, Dense{2 * units, 11}, Ctc{11}}; }
using Model = decltype(make_model(1));

Model load_reader(const fs::path& path) {
  return load_model([](const ModelInfo& of) { return make_model(of.size("1.weight", 1) / 2); }, path).model;
}

// 3. Training, and what came of it.

struct Options {
  Index strings = 120'000, digits = 8, units = 96, epochs = 5, batch = 32;
  double rate = 4e-3, noise = 0.12;
  std::uint64_t seed = 1;
  training::Files files{.save = "digits.safetensors"};
};

Index warm_up(Index updates) { return std::max<Index>(1, updates / 20); }

void print_scores(const Model& model, const Strips& strips) {
  const auto read = predict(model, strips);
  ErrorRate errors;
  Index exact = 0;
  for (Index k = 0; k < strips.size(); ++k) {
    const auto& labels = read[std::size_t(k)];
    errors.add(labels, strips.targets()[k]);
    exact += std::ranges::equal(labels, strips.targets()[k]) ? 1 : 0;
  }
  std::cout << std::fixed << std::setprecision(4) << "errors per digit " << errors.rate() << ", exact strings "
            << double(exact) / double(strips.size()) << std::endl;
}

void train(const Options& options) {
  const Rng rng(options.seed);
  const auto strips = [&](Index count, std::uint64_t which) {
    return make_strips(count, options.digits, options.noise, rng.child(which));
  };
  const Strips training = strips(options.strings, 1), valid = strips(500, 2), test = strips(2000, 3);
  Model model = make_model(options.units);
  initialize(model, Rng(options.seed));
  std::cout << model.describe() << '\n'
            << training.size() << " strings to learn from, " << training.inputs().steps() << " columns\n";

  FitOptions<Strips> how{.epochs = options.epochs,
                         .batch_size = options.batch,
                         .seed = options.seed,
                         .similar_length = true,
                         .validation = valid,
                         .clip_norm = 1,
                         .callbacks = {training::DownToZero{options.rate, options.rate / 100, warm_up}},
                         .progress = &std::cout};
  options.files.follow(how, 200, "what was learned so far is kept");
  const History history = fit(model, Adam{.rate = options.rate}, training, how);
  require<std::runtime_error>(history.stopped != Stopped::not_finite, history.message);
  save(options.files.save, model);
  std::cout << "saved to " << options.files.save.string() << '\n';
  print_scores(model, test);
}

/// Draws the digits, and says what the model reads, with how likely it is.
void read(const Model& model, const std::string& text, double noise, std::uint64_t seed) {
  std::vector<Index> digits;
  for (const char c : text) {
    require(c >= '0' && c <= '9', "'", c, "' is no digit");
    digits.push_back(c - '0');
  }
  Rng rng(seed);
  const Eigen::MatrixXf strip = draw(digits, noise, rng);
  for (Index row = 0; row < rows; ++row) {
    for (Index column = 0; column < strip.cols(); ++column)
      std::cout << " .:+#"[std::clamp(int(4.9f * strip(row, column)), 0, 4)];
    std::cout << '\n';
  }
  std::cout << std::fixed << std::setprecision(3);
  for (const CtcLabelling& of : ctc_beam_search(infer(model, strip), {.best = 3}))
    std::cout << text_of(of.labels) << "  " << std::exp(of.log_probability) << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Learns to read strips of digits.");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& e) { return concat_text("digits: ", e.what(), "\n"); });
  Options options;
  int threads = 0;
  fs::path model = options.files.save;
  std::string text;
  const auto add_common = [&](CLI::App* command) {
    command->add_option("--noise", options.noise, "its standard deviation; ink is 0.6 to 1")
        ->check(CLI::Range(0.0, 10.0))
        ->capture_default_str();
    command->add_option("--seed", options.seed)->capture_default_str();
    training::add_threads(*command, threads);
  };
  const auto add_digits = [&](CLI::App* command) {
    command->add_option("--digits", options.digits, "of a string, at most")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
  };

  CLI::App* const train_command = app.add_subcommand("train", "draw strips, learn to read them, save the model");
  train_command->add_option("--strings", options.strings, "to learn from")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  train_command->add_option("--units", options.units, "of the LSTM, in each direction")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  train_command->add_option("--epochs", options.epochs)->check(CLI::Range(0, 1'000'000))->capture_default_str();
  train_command->add_option("--batch", options.batch, "strings a batch")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  train_command->add_option("--rate", options.rate)->check(CLI::Range(1e-9, 10.0))->capture_default_str();
  add_digits(train_command);
  options.files.add_options(*train_command);
  add_common(train_command);

  CLI::App* const read_command = app.add_subcommand("read", "draw digits, and tell the three likeliest readings");
  read_command->add_option("text", text, "digits")->required();
  read_command->add_option("--model", model)->capture_default_str();
  add_common(read_command);

  CLI::App* const evaluate_command = app.add_subcommand("evaluate", "score a saved model on 2000 new strips");
  evaluate_command->add_option("--model", model)->capture_default_str();
  add_digits(evaluate_command);
  add_common(evaluate_command);

  CLI11_PARSE(app, argc, argv);
  set_threads(threads);
  if (train_command->parsed())
    train(options);
  else if (read_command->parsed())
    read(load_reader(model), text, options.noise, options.seed);
  else
    print_scores(load_reader(model), make_strips(2000, options.digits, options.noise, Rng(options.seed).child(3)));
  return 0;
} catch (const std::exception& error) {
  std::cerr << "digits: " << error.what() << '\n';
  return 1;
}
