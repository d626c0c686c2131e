// Averages of the weights along training.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <unroll/optim/schedule.hpp>
#include <unroll/train/callback.hpp>

namespace unroll::inline UNROLL_ABI {

/// What a WeightAverage is an average of.
enum class Averaging {
  non_monotone,  ///< all weights since validation stopped improving: NT-ASGD, Merity et al. 2017
  since_epoch,   ///< all weights since an epoch began: Polyak and Juditsky 1992
  exponential    ///< weights since training began, each update's share `decay` times that of the next
};

namespace detail {
/// A parameter that is not in the model: the average, or the present one while the average is there.
struct OtherWeights {
  std::string path;
  Matrix<float> floats;
  Matrix<double> doubles;
};
}  // namespace detail

/// Averages the weights of a model while it is trained; the first two kinds are meant for Sgd. The model has the
/// average when it is validated and in every on_epoch_end, so that is what EarlyStopping keeps and ModelCheckpoint
/// saves, wherever they stand in the list; the weights that are trained come back when the next epoch begins. When
/// training ends, for whatever reason and in mid-epoch too, the model keeps the average, if there is one.
///
/// With w_1, w_2, .. the weights after each update since the average began, updates counted by k,
///   mean:         a_k = a_(k-1) + (w_k - a_(k-1)) / k
///   exponential:  a_k = a_(k-1) + (w_k - a_(k-1)) (1 - d) / (1 - d^k)
/// so both are means, whose shares are equal or fall by d with every update back; neither knows the weights before.
///
/// `non_monotone` begins with the epoch after the first one whose metric is worse than the best of all epochs before
/// but the last `patience`.
///
/// An update costs one walk over the parameters, tables included, and allocates nothing after the first; memory is that
/// of the parameters once more. The same bits for any number of threads, and when a run is resumed.
struct WeightAverage {
  Averaging kind = Averaging::non_monotone;
  Index epoch = 1;                   ///< since_epoch: the first one that counts, from 1
  double decay = 0.999;              ///< exponential: d
  int patience = 5;                  ///< non_monotone: n of the paper
  std::string monitor = "val_loss";  ///< non_monotone
  std::optional<Goal> goal = {};     ///< as EarlyStopping's

  // Its state, which a checkpoint holds.
  Index first_epoch = 0;   ///< of the average; 0: not known yet
  std::int64_t count = 0;  ///< updates in the average
  bool in_model = false;   ///< the average is in the model, and `other` are the weights that are trained
  std::vector<detail::OtherWeights> other = {};

  UNROLL_API void on_train_begin(Run& run);
  UNROLL_API void on_updates_begin(Run& run);
  UNROLL_API void on_batch_end(Run& run);
  UNROLL_API void on_updates_end(Run& run);
  UNROLL_API void on_epoch_end(Run& run);
  UNROLL_API void save(Record& record) const;
  UNROLL_API void load(const Record& record, const Run& run);

 private:
  /// 0: the metric decides.
  Index first_of_kind() const;
  void exchange(Run& run);
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/weight_average.ipp>
#endif
