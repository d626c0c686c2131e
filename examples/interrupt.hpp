// Ctrl-C ends training after the present batch; the second one ends the program.
#pragma once

#include <csignal>
#include <string>
#include <utility>

#include <unroll/train/callback.hpp>

namespace interrupt {

inline volatile std::sig_atomic_t asked = 0;

inline void watch() {
  std::signal(SIGINT, [](int) { asked = 1, std::signal(SIGINT, SIG_DFL); });
}
struct Stop {
  std::string why;
  void on_batch_end(unroll::Run& run) const {
    if (asked != 0) run.stop("interrupted; " + why);
  }
};

}  // namespace interrupt
