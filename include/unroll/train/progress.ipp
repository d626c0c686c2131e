// Bodies of train/progress.hpp.
#pragma once

#include <algorithm>
#include <cstdio>
#include <iostream>

#include <unroll/core/range.hpp>
#include <unroll/train/progress.hpp>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION bool is_terminal([[maybe_unused]] const std::ostream& out) {
#if __has_include(<unistd.h>)
  return (&out == &std::cout && isatty(1) != 0) || ((&out == &std::cerr || &out == &std::clog) && isatty(2) != 0);
#else
  return false;
#endif
}
inline double seconds(std::chrono::steady_clock::duration d) { return std::chrono::duration<double>(d).count(); }
}  // namespace detail

UNROLL_FUNCTION Progress::Progress(std::ostream& out, double line_seconds)
    : Progress(out, detail::is_terminal(out), detail::is_terminal(out) ? 0.1 : line_seconds) {}
UNROLL_FUNCTION Progress::Progress(std::ostream& out, bool terminal, double seconds)
    : out_(&out), terminal_(terminal), every_(seconds) {
  detail::require_not_negative("Progress", "the time between lines", seconds);
}

UNROLL_FUNCTION void Progress::on_epoch_begin(Run&) { begin_ = last_ = Clock::now(), first_sequences_ = 0; }
UNROLL_FUNCTION void Progress::on_batch_end(Run& run) {
  const auto now = Clock::now();
  if (begin_ == Clock::time_point()) begin_ = last_ = now, first_sequences_ = run.log().sequences;  // resumed
  if (detail::seconds(now - last_) < every_) return;
  last_ = now;
  show(run, detail::seconds(now - begin_));
}
UNROLL_FUNCTION void Progress::on_epoch_end(Run& run) {
  const EpochLog& log = run.log();
  *out_ << (terminal_ ? "\r\x1b[K" : "") << "epoch " << run.epoch() << '/' << run.epochs() << ": " << log;
  if (log.seconds > 0)
    *out_ << ", " << static_cast<Index>(static_cast<double>(log.sequences) / log.seconds) << " sequences/s";
  *out_ << std::endl;
}
UNROLL_FUNCTION void Progress::on_train_end(Run& run) {
  if (terminal_) *out_ << "\r\x1b[K";
  if (!run.history().message.empty()) *out_ << run.history().message;
  if (!run.history().message.empty()) *out_ << '\n';
  out_->flush();
}
UNROLL_FUNCTION void Progress::show(Run& run, double elapsed) {
  const EpochLog& log = run.log();
  const double here = static_cast<double>(log.sequences - first_sequences_), all = static_cast<double>(run.sequences());
  const double rate = elapsed > 0 ? here / elapsed : 0;
  const auto left = rate > 0 ? static_cast<long>((all - static_cast<double>(log.sequences)) / rate + 0.5) : 0L;
  char text[256];
  int n = std::snprintf(text, sizeof text, "%sepoch %ld/%ld ", terminal_ ? "\r" : "", detail::as<long>(run.epoch()),
                        detail::as<long>(run.epochs()));
  if (terminal_) {
    constexpr int width = 24;
    const auto done = static_cast<int>(width * static_cast<double>(log.sequences) / (std::max)(all, 1.0));
    text[n++] = '[';
    for (int k = 0; k < width; ++k) text[n++] = k < done ? '=' : k == done ? '>' : ' ';
    text[n++] = ']';
    text[n++] = ' ';
  }
  const auto add = [&](const char* format, auto... values) {
    const int more = std::snprintf(text + n, sizeof text - static_cast<std::size_t>(n), format, values...);
    n = (std::min)(n + (std::max)(more, 0), static_cast<int>(sizeof text) - 1);
  };
  add("%ld/%ld, loss %.4f", detail::as<long>(run.batch()), detail::as<long>(run.batches()), log.training.loss);
  if (log.training.count > 0) add(", accuracy %.4f", log.training.accuracy);
  add(", %.0f sequences/s, %ld:%02ld left%s", rate, left / 60, left % 60, terminal_ ? "\x1b[K" : "\n");
  out_->write(text, n);
  out_->flush();
}

}  // namespace unroll::inline UNROLL_ABI
