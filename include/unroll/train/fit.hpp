// Training: epochs of batches, validation, callbacks, and runs that can be resumed.
#pragma once

#include <unroll/train/csv_log.hpp>
#include <unroll/train/early_stopping.hpp>
#include <unroll/train/model_checkpoint.hpp>
#include <unroll/train/predict.hpp>
#include <unroll/train/progress.hpp>
#include <unroll/train/rate_callbacks.hpp>
#include <unroll/train/summary.hpp>
#include <unroll/train/typed_fit_job.hpp>

namespace unroll::inline UNROLL_ABI {

/// Trains a model in place. The same seed, data and options give the same bits, for any number of threads.
///
/// Ends after `epochs`, when a callback or the stop token says so, or when a loss, a gradient or, at the end of an
/// epoch or of training, a weight is not a finite number: History::stopped and message tell. The optimizer is the
/// caller's, with groups of its own if wanted.
///
/// A model on which `initialize` was forgotten, with weights and tables that are all zero, would learn nothing: it gets
/// the weights that `initialize(model, Rng(options.seed))` draws, but for parameters that are frozen or not zero.
/// Throws std::invalid_argument for options without meaning and data without targets, or with targets that the loss
/// does not take, FormatError for a checkpoint of another run.
template <class M, class L, class R, class D>
History fit(M& model, const L& loss, Optimizer<M, R>& optimizer, const D& data,
            const FitOptions<std::type_identity_t<D>>& options = {}) {
  constexpr bool fits = Model<M, typename D::Batch>;
  static_assert(fits,
                "unroll::fit: this model cannot be trained on this data set. A model that begins with an Embedding "
                "needs a TokenDataset, one that begins with a recurrent layer a SequenceDataset of its scalar type; a "
                "model of your own has the members that the concept Model lists.");
  if constexpr (fits) return detail::fit(model, loss, optimizer, data, options);
}
/// With an optimizer made for this run: `fit(model, BinaryCrossEntropy{}, Adam{.rate = 1e-3}, data, {.epochs = 3})`.
template <class M, class L, Rule R, class D>
History fit(M& model, const L& loss, const R& rule, const D& data,
            const FitOptions<std::type_identity_t<D>>& options = {}) {
  Optimizer<M, R> optimizer(model, rule);
  return fit(model, loss, optimizer, data, options);
}

}  // namespace unroll::inline UNROLL_ABI
