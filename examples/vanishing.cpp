// How far back does a network hear? A lesson in one program: sentences of which one word is the verdict, near the end
// or far from it, and how much of what the loss asks for arrives at that word. For a simple RNN, a GRU and an LSTM,
// before and after training; then a network in which the same product of Jacobians grows instead, and what clipping
// does.
//
//   vanishing --plot vanishing.svg
//
// The signal of a word d words before the end is |dL/ds_t| at that word's step over |dL/ds_T| at the last one's, s
// being the network's state: 1 is heard as well as the last word, 0 not at all. `diagnose` measures it, in any model.
// Where it is too small, nothing is learned of words that are always so far away.
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <unroll/core/parallel.hpp>
#include <unroll/train/diagnosis.hpp>
#include <unroll/unroll.hpp>

#include "page.hpp"

namespace {

using namespace unroll;

struct Lesson {
  Index length = 100, units = 32, updates = 1500;
  double rate = 3e-3, growth = 2, sgd_rate = 0.1;
  std::uint64_t seed = 1;
  Scheme start = Scheme::pytorch();
};

// ---- 1. The sentences: `good` or `bad` among words that say nothing ----

constexpr std::int32_t good = 0, bad = 1, words = 20;
constexpr Index batch_size = 32;

struct Sentences {
  TokenBatch x;
  std::vector<Index> verdicts;
};
/// The word that matters is the d-th from the end; 0: anywhere.
Sentences draw(Rng& rng, Index length, Index d = 0) {
  Sentences some;
  some.x.packing = Packing::from_lengths(std::vector<Index>(batch_size, length), length);
  some.x.ids.resize(static_cast<std::size_t>(some.x.packing.total()));
  for (auto& id : some.x.ids) id = static_cast<std::int32_t>(2 + rng.below(words - 2));
  for (Index j = 0; j < batch_size; ++j) {
    const Index back = d > 0 ? d : 1 + static_cast<Index>(rng.below(static_cast<std::uint64_t>(length)));
    const std::int32_t word = rng.below(2) == 0 ? good : bad;
    some.x.ids[static_cast<std::size_t>(some.x.packing.offset(length - back) + j)] = word;
    some.verdicts.push_back(word);  // of equal lengths the sorted order is the user's
  }
  return some;
}

// ---- 2. A network, what it hears, and what it gets right ----

template <class C> auto network(const C& cell, std::uint64_t seed, const Scheme& start) {
  Sequential model{Embedding{words, cell.inputs}, FinalState{Recurrent{cell}}, Dense{cell.units, 2}};
  initialize(model, Rng(seed), start);
  return model;
}
template <class M> LayerDiagnosis listen(const M& model, const Lesson& lesson, std::string& report) {
  Rng rng(lesson.seed + 1);
  const auto [x, y] = draw(rng, lesson.length);
  const Diagnosis of = diagnose(model, CrossEntropy{}, x, y);
  report += of.report();
  return of.layers.front();
}
/// Share of right verdicts on a word d words before the end.
template <class M> double right_at(const M& model, const Lesson& lesson, Index d) {
  Rng rng(lesson.seed + 2);
  Workspace<M, TokenBatch> work(model);
  double right = 0, count = 0;
  for (int k = 0; k < 8; ++k) {
    const auto [x, y] = draw(rng, lesson.length, d);
    const StepResult result = add_gradient(model, CrossEntropy{}, x, y, work, {});
    right += static_cast<double>(result.correct), count += static_cast<double>(result.count);
  }
  return right / count;
}

/// Trains on words d words before the end; 0: anywhere.
template <class M> void train(M& model, const Lesson& lesson, Index d) {
  Optimizer optimizer(model, Adam{.rate = lesson.rate});
  Workspace<M, TokenBatch> work(model);
  Rng rng(lesson.seed);
  for (Index k = 0; k < lesson.updates; ++k) {
    const auto [x, y] = draw(rng, lesson.length, d);
    train_step(model, CrossEntropy{}, optimizer, x, y, work, {.training = true}, {.norm = 1});
  }
}

struct Heard {
  std::string name;
  std::vector<double> before, after;  ///< signals at each distance
  std::vector<double> mixed, alone;   ///< right verdicts at those of the table, from words anywhere and there alone
};
template <class C>
Heard teach(const std::string& name, const C& cell, const Lesson& lesson, const std::vector<Index>& distances,
            std::string& report) {
  const auto untrained = network(cell, lesson.seed, lesson.start);
  auto model = untrained;
  std::string of_untrained;
  Heard heard{name, listen(model, lesson, of_untrained).signal, {}, {}, {}};
  train(model, lesson, 0);
  heard.after = listen(model, lesson, report).signal;
  for (const Index d : distances) {
    heard.mixed.push_back(right_at(model, lesson, d));
    auto one = untrained;
    train(one, lesson, d);
    heard.alone.push_back(right_at(one, lesson, d));
  }
  return heard;
}

// ---- 3. A product that grows ----

struct Explosion {
  double largest_norm = 0, largest_update = 0, largest_loss = 0, loss = 0;
  bool finite = true;
};
/// An RNN whose U is an orthogonal one made larger, by gradient descent; limit 0: not clipped.
Explosion explode(Lesson lesson, double limit, std::string& report) {
  lesson.length = std::min<Index>(lesson.length, 40);
  auto model = network(Rnn{16, lesson.units}, lesson.seed, Scheme::keras());
  model.layer<1>().inner.cell.weight_hh *= static_cast<float>(lesson.growth);
  listen(model, lesson, report);
  Optimizer optimizer(model, Sgd{.rate = lesson.sgd_rate});
  Workspace<decltype(model), TokenBatch> work(model);
  Rng rng(lesson.seed);
  Explosion seen;
  const Index updates = lesson.updates, last = std::max<Index>(updates / 5, 1);
  for (Index k = 0; k < updates && seen.finite; ++k) {
    const auto [x, y] = draw(rng, lesson.length);
    const StepResult result =
        train_step(model, CrossEntropy{}, optimizer, x, y, work, {.training = true}, {.norm = limit});
    seen.finite = result.finite;
    seen.largest_loss = std::max(seen.largest_loss, result.loss);
    seen.largest_norm = std::max(seen.largest_norm, result.gradient_norm);
    const double norm = limit > 0 ? std::min(result.gradient_norm, limit) : result.gradient_norm;
    seen.largest_update = std::max(seen.largest_update, lesson.sgd_rate * norm);
    if (k >= updates - last) seen.loss += result.loss / static_cast<double>(last);
  }
  return seen;
}

// ---- 4. What is shown ----

std::string brief(double value) {
  std::ostringstream text;
  if (value == 0) return "0";
  if (value < 0.01 || value >= 1000)
    text << std::scientific << std::setprecision(0) << value;
  else
    text << std::fixed << std::setprecision(value < 10 ? 2 : 0) << value;
  return text.str();
}
template <class F>
void write_table(const std::string& title, const std::vector<Index>& distances, const std::vector<Heard>& all,
                 const F& cell) {
  std::cout << title << "\nwords before the end";
  for (const Index d : distances) std::cout << std::setw(8) << d;
  for (const Heard& heard : all) {
    std::cout << '\n' << std::left << std::setw(20) << heard.name << std::right;
    for (std::size_t k = 0; k < distances.size(); ++k) std::cout << std::setw(8) << cell(heard, k);
  }
  std::cout << "\n\n";
}
/// Powers of ten over the distance.
void plot(const std::filesystem::path& path, const std::vector<Heard>& all) {
  constexpr std::array<std::array<const char*, 2>, 3> colours{
      {{"#f4a6a6", "#d62728"}, {"#a6cbe6", "#1f77b4"}, {"#a3d9a3", "#2ca02c"}}};
  std::vector<page::Curve> curves;
  for (std::size_t k = 0; k < all.size(); ++k)
    for (const bool after : {false, true}) {
      page::Curve curve{all[k].name + (after ? ", trained" : ""), colours[k][after ? 1 : 0], {}};
      for (const double signal : after ? all[k].after : all[k].before)
        curve.values.push_back(std::log10(std::max(signal, 1e-30)));
      curves.push_back(std::move(curve));
    }
  page::write(path, "How far back a network hears: powers of ten",
              page::picture(curves, "the last word", concat_text(all[0].before.size(), " words before the end")));
}

void teach_all(const Lesson& lesson, const std::filesystem::path& picture) {
  std::vector<Index> distances;
  for (const Index d : {1, 2, 4, 8, 20, 50, 80})
    if (d <= lesson.length) distances.push_back(d);
  std::string report, ill;
  const Index D = 16, H = lesson.units;
  const std::vector<Heard> all{teach("RNN", Rnn{D, H}, lesson, distances, report),
                               teach("GRU", Gru{D, H}, lesson, distances, report),
                               teach("LSTM", Lstm{D, H}, lesson, distances, report)};
  const auto at = [&](const std::vector<double>& signal, std::size_t k) {
    return brief(signal[static_cast<std::size_t>(distances[k] - 1)]);
  };
  write_table("The signal of a word, before training", distances, all,
              [&](const Heard& heard, std::size_t k) { return at(heard.before, k); });
  write_table("The same after training", distances, all,
              [&](const Heard& heard, std::size_t k) { return at(heard.after, k); });
  write_table("Right verdicts, in %, trained on words at all distances; 50 is to guess", distances, all,
              [](const Heard& heard, std::size_t k) { return concat_text(std::lround(100 * heard.mixed[k])); });
  write_table("The same, trained on words at this distance alone", distances, all,
              [](const Heard& heard, std::size_t k) { return concat_text(std::lround(100 * heard.alone[k])); });
  std::cout << "What `diagnose` says of the trained ones\n" << report << '\n';

  const Explosion free = explode(lesson, 0, ill), clipped = explode(lesson, 1, report);
  std::cout << "An RNN with a U of radius " << brief(lesson.growth) << ", by gradient descent\n"
            << ill << "                 largest norm  largest update  largest loss  loss at the end\n";
  for (const auto& [name, seen] : {std::pair("not clipped", free), std::pair("clipped to 1", clipped)})
    std::cout << std::left << std::setw(17) << name << std::right << std::setw(12) << brief(seen.largest_norm)
              << std::setw(16) << brief(seen.largest_update) << std::setw(14) << brief(seen.largest_loss)
              << std::setw(17) << (seen.finite ? brief(seen.loss) : "no number") << '\n';
  if (!picture.empty()) plot(picture, all);
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Shows how far back recurrent networks hear.");
  app.failure_message([](const CLI::App*, const CLI::Error& e) { return concat_text("vanishing: ", e.what(), "\n"); });
  Lesson lesson;
  std::filesystem::path picture;
  std::string start = "pytorch";
  int most_threads = 1;
  app.add_option("--length", lesson.length, "words of a sentence")->check(CLI::Range(2, 10'000))->capture_default_str();
  app.add_option("--units", lesson.units)->check(CLI::Range(1, 10'000))->capture_default_str();
  app.add_option("--updates", lesson.updates)->check(CLI::Range(1, 10'000'000))->capture_default_str();
  app.add_option("--start", start, "how weights are drawn; keras: U orthogonal, forget bias 1")
      ->check(CLI::IsMember({"pytorch", "keras"}))
      ->capture_default_str();
  app.add_option("--rate", lesson.rate, "Adam's")->check(CLI::Range(0.0, 100.0))->capture_default_str();
  app.add_option("--growth", lesson.growth, "what the last network's orthogonal U is multiplied by")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  app.add_option("--sgd-rate", lesson.sgd_rate, "of its descent")->check(CLI::Range(0.0, 100.0))->capture_default_str();
  app.add_option("--seed", lesson.seed)->capture_default_str();
  app.add_option("--threads", most_threads)->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--plot", picture, "the signals over the distance: a page, .html, or a picture, .svg");
  CLI11_PARSE(app, argc, argv);
  if (start == "keras") lesson.start = Scheme::keras();
  set_threads(most_threads);
  teach_all(lesson, picture);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "vanishing: " << error.what() << '\n';
  return 1;
}
