// What the programs that train share: where a run is saved, kept, logged and drawn, and that Ctrl-C ends it.
#pragma once

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include <unroll/optim/schedule.hpp>
#include <unroll/train/checkpoint.hpp>
#include <unroll/train/csv_log.hpp>
#include <unroll/train/fit_options.hpp>

#include "page.hpp"

namespace training {

inline volatile std::sig_atomic_t interrupted = 0;

/// Ends training after the present batch once Ctrl-C was pressed; `kept` is what remains of it.
struct StopOnInterrupt {
  std::string kept;
  void on_batch_end(unroll::Run& run) const {
    if (interrupted != 0) run.stop("interrupted; " + kept);
  }
};

/// The rate rises in the first updates, then falls by half a cosine.
struct DownToZero {
  double from, to = 0;
  unroll::Index (*warm_up)(unroll::Index updates) = [](unroll::Index) { return unroll::Index(0); };

  void on_batch_end(unroll::Run& run) const {
    const unroll::Index updates = run.epochs() * run.batches();
    const unroll::WarmUp<unroll::CosineDecay> rates{warm_up(updates), {.steps = updates, .minimum = to}};
    run.set_rate(rates.rate(from, run.step()));
  }
};
/// 200 updates, or a tenth of them.
inline unroll::Index short_warm_up(unroll::Index updates) { return std::min<unroll::Index>(200, updates / 10); }

/// For `unroll::set_threads`.
inline void add_threads(CLI::App& to, int& threads) {
  to.add_option("--threads", threads, "0: one for each core; results do not depend on it")->check(CLI::Range(0, 1024));
}

struct Files {
  std::filesystem::path save, resume{}, log{}, plot{};

  void add_options(CLI::App& train) {
    train.add_option("--save", save, "where the model goes")->capture_default_str();
    train.add_option("--resume", resume, "keep the run in this file, and go on from it if it is there");
    train.add_option("--log", log, "a table of all epochs, .csv");
    train.add_option("--plot", plot, "the losses of all epochs: a page, .html, or a picture, .svg");
  }
  /// The callbacks of a run, after those that are there already. The second Ctrl-C ends the program. A run that is kept
  /// in a file, after so many updates too, goes on from there after a crash, as if nothing had happened.
  template <class Data>
  void follow(unroll::FitOptions<Data>& how, unroll::Index checkpoint_every, std::string kept) const {
    if (!log.empty()) how.callbacks.emplace_back(unroll::CsvLog{log});
    if (!plot.empty()) how.callbacks.emplace_back([to = plot](unroll::Run& run) { page::write_losses(to, run); });
    std::signal(SIGINT, [](int) { interrupted = 1, std::signal(SIGINT, SIG_DFL); });
    how.callbacks.emplace_back(StopOnInterrupt{std::move(kept)});
    if (resume.empty()) return;
    how.checkpoint = unroll::checkpoint_file(resume);
    how.checkpoint_every = checkpoint_every;
    if (std::filesystem::exists(resume)) how.resume = how.checkpoint;
  }
};

}  // namespace training
