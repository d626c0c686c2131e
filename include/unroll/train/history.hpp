// What happened in training, epoch by epoch.
#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/metric/confusion_matrix.hpp>
#include <unroll/metric/metric.hpp>

namespace unroll::inline UNROLL_ABI {

/// How good a model is on some data.
struct Evaluation {
  double loss = 0;      ///< the mean that the loss defines
  double accuracy = 0;  ///< share of `count` decided rightly; 0 for a loss that decides nothing
  Index count = 0;      ///< decisions: sequences, or steps of a tagger; 0 for such a loss
  /// Of a classifier with labels and at most 64 classes; not of the training data, which `fit` measures on the way.
  std::optional<ConfusionMatrix> confusion = {};
  MetricValues metrics = {};  ///< those that were asked for
  bool operator==(const Evaluation&) const = default;

  /// loss, accuracy, one of `metrics`, or what follows from the confusion matrix (ConfusionMatrix::find).
  UNROLL_API std::optional<double> find(std::string_view name) const;
};

/// `loss 0.0931, accuracy 0.9800 of 200`, and the metrics. Where classes are unequal also the accuracy of always saying
/// the most frequent one, macro F1, and below it the confusion matrix of up to 12 classes.
UNROLL_API std::ostream& operator<<(std::ostream& out, const Evaluation& evaluation);

/// One epoch. `training` was measured on the way, with dropout, while the weights moved.
struct EpochLog {
  Index epoch = 0;  ///< from 1
  Evaluation training = {};
  std::optional<Evaluation> validation = {};
  double gradient_norm = 0;  ///< mean over the updates, before clipping
  double largest_gradient_norm = 0;
  double clipped = 0;  ///< share of the updates that were clipped: if nearly all are, the rate is too high
  double rate = 0;     ///< learning rate of the last update
  double seconds = 0;
  Index sequences = 0;
  std::map<std::string, double, std::less<>> metrics = {};  ///< what callbacks added

  /// By the name that callbacks monitor: loss, accuracy, gradient_norm, largest_gradient_norm, clipped, rate, seconds,
  /// one of `metrics`, or val_ and what Evaluation::find knows: val_loss, val_accuracy, val_f1, val_roc_auc. Or as the
  /// members are called: training.loss, validation.accuracy.
  UNROLL_API std::optional<double> find(std::string_view name) const;
};

/// One line: `loss 0.4410, accuracy 0.8123, val_loss 0.4711, val_accuracy 0.7990, gradient norm 1.21 (largest 9.3, ...`
UNROLL_API std::ostream& operator<<(std::ostream& out, const EpochLog& log);

/// Why training ended.
enum class Stopped {
  no,  ///< all epochs are done
  by_callback,
  by_request,  ///< the stop token
  /// A loss or a gradient was no finite number, and the weights are those before that batch; or an update has made a
  /// weight infinite or NaN, and they are those after it. The message says which.
  not_finite,
};

/// What `fit` returns; `std::cout << history` prints one line an epoch.
struct History {
  std::vector<EpochLog> epochs;
  Stopped stopped = Stopped::no;
  std::string message;  ///< why it stopped, in a sentence

  /// A value epoch by epoch, those epochs left out that do not have it: `history.series("val_loss")`.
  UNROLL_API std::vector<double> series(std::string_view name) const;
};

UNROLL_API std::ostream& operator<<(std::ostream& out, const History& history);

namespace detail {
/// An evaluation counts the confusions of so many classes: beyond, nobody reads them, and a history grows.
inline constexpr Index most_classes_counted = 64;

/// What callbacks monitor, of the validation or of the training: `val_f1` and `validation.f1`, `f1` and `training.f1`.
struct MonitoredName {
  bool of_validation;
  std::string_view metric;
  UNROLL_API static MonitoredName of(std::string_view name);
};
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/history.ipp>
#endif
