// What fit can be told.
#pragma once

#include <iosfwd>
#include <stop_token>

#include <unroll/data/dataset.hpp>
#include <unroll/train/callback.hpp>

namespace unroll::inline UNROLL_ABI {

/// All have defaults; named ones stand in this order: `fit(.., {.epochs = 3, .validation_split = 0.1, .clip_norm =
/// 1})`.
template <class Data = TokenDataset> struct FitOptions {
  Index epochs = 1;
  Index batch_size = 64;        ///< sequences that are computed at once
  Index accumulate = 1;         ///< so many batches make one update, the same as one batch as large would
  std::uint64_t seed = 0;       ///< of shuffling and dropout
  bool shuffle = true;          ///< before every epoch
  bool similar_length = false;  ///< batches of sequences of about the same length: faster on ragged data

  // At most one of these three.
  double validation_split = 0;       ///< held out: the last so-and-so much of the data, unshuffled (Keras's)
  double validation_shuffled = 0;    ///< held out: so much of the data, drawn at random by the seed
  const Data* validation = nullptr;  ///< a data set of its own

  // At most one of these three; 0: none.
  double clip_norm = 0;       ///< largest global norm of the gradient
  double clip_each_norm = 0;  ///< largest norm of each parameter's gradient (Keras's clipnorm)
  double clip_value = 0;      ///< largest element of the gradient

  std::vector<Callback> callbacks = {};  ///< called in this order
  std::ostream* progress = nullptr;      ///< a bar on a terminal, else a line an epoch
  std::stop_token stop = {};             ///< ends training after the present batch

  std::shared_ptr<RunStore> checkpoint = nullptr;  ///< the run is saved here after every epoch and when it is stopped
  Index checkpoint_every = 0;                      ///< and after so many updates
  std::shared_ptr<RunStore> resume = nullptr;      ///< goes on where the run saved here was, bit for bit
};

}  // namespace unroll::inline UNROLL_ABI
