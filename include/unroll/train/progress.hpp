// Training as it goes on, for a person to watch.
#pragma once

#include <chrono>
#include <iosfwd>

#include <unroll/train/callback.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Only the standard streams can be asked.
UNROLL_API bool is_terminal(const std::ostream& out);
}  // namespace detail

/// A bar on a terminal, else a line at the end of every epoch and, where epochs are long, one every `line_seconds`.
class Progress {
 public:
  UNROLL_API explicit Progress(std::ostream& out, double line_seconds = 60);
  /// For streams that cannot be asked whether they are a terminal; drawn again every `seconds`.
  UNROLL_API Progress(std::ostream& out, bool terminal, double seconds);

  UNROLL_API void on_epoch_begin(Run&);
  UNROLL_API void on_batch_end(Run& run);
  UNROLL_API void on_epoch_end(Run& run);
  UNROLL_API void on_train_end(Run& run);

 private:
  using Clock = std::chrono::steady_clock;
  void show(Run& run, double elapsed);

  std::ostream* out_;
  bool terminal_;
  double every_;
  Clock::time_point begin_{}, last_{};
  Index first_sequences_ = 0;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/progress.ipp>
#endif
