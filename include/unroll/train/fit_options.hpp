// What fit can be told.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <iosfwd>
#include <memory>
#include <stop_token>
#include <utility>

#include <unroll/core/context.hpp>
#include <unroll/data/dataset.hpp>
#include <unroll/metric/metric.hpp>
#include <unroll/train/batch_gradient.hpp>
#include <unroll/train/callback.hpp>

namespace unroll::inline UNROLL_ABI {

class RunStore;

/// A data set to validate on: `.validation = held_out`, which has to live as long as the options, or
/// `.validation = read(..)`, which they keep.
template <class Data> class Validation {
 public:
  Validation() = default;
  Validation(std::nullptr_t) {}
  Validation(const Data& data) : data_(&data) {}  // NOLINT: implicit, all of these
  Validation(const Data* data) : data_(data) {}
  Validation(Data&& data) : kept_(std::make_shared<const Data>(std::move(data))), data_(kept_.get()) {}
  Validation(const Data&& data) : Validation(Data(data)) {}
  template <class Other> requires(!std::convertible_to<const Other&, const Data*> && !std::derived_from<Other, Data>)
  Validation(const Other&) {
    static_assert(
        std::same_as<Other, Data>,
        "unroll::FitOptions: .validation is a data set of the type of the training data, or a pointer to one");
  }

  /// Null: there is none.
  const Data* get() const { return data_; }

 private:
  std::shared_ptr<const Data> kept_;
  const Data* data_ = nullptr;
};

namespace detail {
template <class Data> struct BatchHook {
  using type = std::function<void(const Context&)>;  // of what is no data set
};
template <class Data> requires requires { typename Data::Batch; }
struct BatchHook<Data> {
  using type = std::function<void(const Context&, typename Data::Batch&)>;
};
}  // namespace detail

/// All have defaults; named ones stand in this order: `fit(.., {.epochs = 3, .validation_split = 0.1, .clip_norm =
/// 1})`.
template <class Data = TokenDataset> struct FitOptions {
  Index epochs = 1;
  Index batch_size = 64;        ///< sequences that are computed at once; more than there are: all. Streams: a window
  Index accumulate = 1;         ///< so many batches make one update, the same as one batch as large would
  std::uint64_t seed = 0;       ///< of shuffling, dropout and windows that vary
  bool shuffle = true;          ///< before every epoch; streams go on from window to window instead
  bool similar_length = false;  ///< batches of sequences of about the same length: faster on ragged data

  /// So many batches are made ahead, on a thread of their own, while the present one is computed: for a data set whose
  /// `fill` reads a disk. It is called on that thread then, while callbacks may run. The same bits.
  Index prefetch = 0;

  // At most one of these three.
  double validation_split = 0;       ///< held out: the last so-and-so much of the data, unshuffled (Keras's)
  double validation_shuffled = 0;    ///< held out: so much of the data, drawn at random by the seed
  Validation<Data> validation = {};  ///< a data set of its own

  // At most one of these three; 0: none.
  double clip_norm = 0;       ///< largest global norm of the gradient
  double clip_each_norm = 0;  ///< largest norm of each parameter's gradient (Keras's clipnorm)
  double clip_value = 0;      ///< largest element of the gradient
  double clip_epsilon = 0;    ///< see ClipOptions; with clip_norm

  /// Is called with each batch before it is learned from, and may change it, but not its packing: the targets have been
  /// made. `context.step` says how many updates there were, `context.first_row` where in the whole batch of an update
  /// this one begins. See ScheduledSampling.
  typename detail::BatchHook<Data>::type on_batch = nullptr;

  /// Is called once an update with the gradient of its whole batch, before clipping. Where it throws the model is as it
  /// was before this update.
  std::function<void(BatchGradient&)> on_gradient = nullptr;

  Metrics metrics = {};  ///< of the validation data: one, or a list

  Callbacks callbacks = {};          ///< one, or a list in the order in which they are called
  std::ostream* progress = nullptr;  ///< a bar on a terminal, else a line an epoch
  std::stop_token stop = {};         ///< ends training after the present batch

  std::shared_ptr<RunStore> checkpoint = nullptr;  ///< the run is saved here after every epoch and when it is stopped
  Index checkpoint_every = 0;                      ///< and after so many updates
  std::shared_ptr<RunStore> resume = nullptr;      ///< goes on where the run saved here was, bit for bit
};

}  // namespace unroll::inline UNROLL_ABI
