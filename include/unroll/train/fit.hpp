// Training: epochs of batches, validation, callbacks, and runs that can be resumed.
#pragma once

#include <unroll/train/csv_log.hpp>
#include <unroll/train/early_stopping.hpp>
#include <unroll/train/model_checkpoint.hpp>
#include <unroll/train/predict.hpp>
#include <unroll/train/progress.hpp>
#include <unroll/train/rate_callbacks.hpp>
#include <unroll/train/run_store.hpp>
#include <unroll/train/summary.hpp>
#include <unroll/train/typed_fit_job.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class L, class M, class D> inline constexpr bool fits_model = false;
template <class L, class M, class D> requires Model<M, typename D::Batch>
inline constexpr bool fits_model<L, M, D> =
    is_head_loss<L> || Loss<L, ScalarOf<typename M::template Output<typename D::Batch>>> ||
    (is_packed<typename M::template Output<typename D::Batch>> &&
     SequenceLoss<L, ScalarOf<typename M::template Output<typename D::Batch>>>);
template <class O, class M> inline constexpr bool updates_model = false;
template <class R, class M> inline constexpr bool updates_model<Optimizer<M, R>&, M> = true;
}  // namespace detail

/// Trains a model in place. The same seed, data and options give the same bits, for any number of threads.
///
/// `fit(model, BinaryCrossEntropy{}, Adam{.rate = 1e-3}, data, {.epochs = 3})`. The optimizer is an update rule, or an
/// Optimizer of the caller's, with groups of its own.
///
/// Ends after `epochs`, when a callback or the stop token says so, or when a loss, a gradient or, at the end of an
/// epoch or of training, a weight is not a finite number: History::stopped and message tell.
///
/// A model on which `initialize` was forgotten, with weights and tables that are all zero, would learn nothing: it gets
/// the weights that `initialize(model, Rng(options.seed))` draws, but for parameters that are frozen or not zero.
/// Throws std::invalid_argument for options without meaning and data without targets, or with targets that the loss
/// does not take, FormatError for a checkpoint of another run.
template <class M, class L, class O, class D> requires(!detail::HasBatch<std::remove_cvref_t<O>>)
History fit(M&& model, const L& loss, O&& optimizer, const D& data,
            const FitOptions<std::type_identity_t<D>>& options = {}) {
  using Trained = std::remove_reference_t<M>;
  using Updater = std::remove_cvref_t<O>;
  constexpr bool stays = std::is_lvalue_reference_v<M> && !std::is_const_v<Trained>;
  static_assert(stays, "unroll::fit: trains the model in place: the first argument is a variable that is not const.");
  constexpr bool readable = detail::assert_readable<std::remove_const_t<Trained>, D>();
  constexpr bool fits = detail::fits_model<L, std::remove_const_t<Trained>, D>;
  static_assert(!readable || fits,
                "unroll::fit: the second argument is no loss: CrossEntropy{}, BinaryCrossEntropy{}, "
                "MeanSquaredError{}, or a value with what the concept Loss lists.");
  constexpr bool paired = detail::assert_loss_of<std::remove_const_t<Trained>, L>();
  constexpr bool updates = Rule<Updater> || detail::updates_model<O, std::remove_const_t<Trained>>;
  static_assert(updates,
                "unroll::fit: the third argument is neither a rule (Adam{}, Sgd{}, RmsProp{}) nor a variable with an "
                "Optimizer of this model.");
  if constexpr (stays && readable && fits && paired && updates) {
    if constexpr (Rule<Updater>) {
      Optimizer<Trained, Updater> made(model, optimizer);
      return detail::fit(model, loss, made, data, options);
    } else {
      return detail::fit(model, loss, optimizer, data, options);
    }
  } else {
    return {};
  }
}

/// `fit(model, Adam{.rate = 1e-3}, data, {.epochs = 3})`: a model that ends in a head knows its loss.
template <class M, class O, detail::HasBatch D>
History fit(M&& model, O&& optimizer, const D& data, const FitOptions<std::type_identity_t<D>>& options = {}) {
  return fit(std::forward<M>(model), HeadLoss{}, std::forward<O>(optimizer), data, options);
}

}  // namespace unroll::inline UNROLL_ABI
