// How a run of fit ends where a number is not finite.
#pragma once

#include <string>

#include <unroll/core/finite.hpp>
#include <unroll/core/model_ref.hpp>
#include <unroll/train/fit_job.hpp>
#include <unroll/train/run_record.hpp>
#include <unroll/train/step_result.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// The path of a trainable parameter that is not finite everywhere; empty: all are.
inline std::string path_of_not_finite(const ModelRef& model) {
  std::string found;
  model.visit([&](const Path& path, const ParameterRef& any) {
    if (!any.trainable() || !found.empty()) return;
    if (any.with([](const auto& p) { return find_not_finite(p.data(), p.size()); }) >= 0) found = path.str();
  });
  return found;
}
inline std::string advice_on_not_finite(const FitJob& job, const FitSettings& options) {
  return concat_text("Lower the rate (", job.rate(), ")",
                     options.clip_norm > 0 ? "" : ", clip the gradient (clip_norm = 1)",
                     " or look for bad numbers in the data");
}

/// Stops a run whose epochs have `updates` updates where a weight is not finite; false: none is.
inline bool stop_at_weights(RunPosition& at, const FitJob& job, const FitSettings& options, Index updates) {
  const std::string path = path_of_not_finite(job.model);
  if (path.empty()) return false;
  at.history.stopped = Stopped::not_finite;
  at.history.message =
      concat_text("fit: in epoch ", at.epoch + 1, ", after update ", at.batch, " of ", updates, ", ", path,
                  " has a number that is not finite: an update of this epoch was too large (largest gradient norm ",
                  at.totals.largest_norm, "). The weights are those after it. ", advice_on_not_finite(job, options));
  return true;
}
/// Stops it at an update that was not made, because its loss or its gradient is not finite.
inline void stop_at_update(RunPosition& at, const FitJob& job, const FitSettings& options, Index updates,
                           const StepResult& result) {
  const std::string path = path_of_not_finite(job.model);
  at.history.stopped = Stopped::not_finite;
  at.history.message =
      concat_text("fit: in epoch ", at.epoch + 1, ", batch ", at.batch + 1, " of ", updates, " the ",
                  has_finite_bits(result.loss) ? "gradient" : "loss", " is not a finite number (loss ",
                  result.weight > 0 ? result.loss / result.weight : result.loss, ", gradient norm ",
                  result.gradient_norm, "; largest gradient norm of this epoch before ", at.totals.largest_norm,
                  "). The weights are those before this batch", path.empty() ? "" : ", where not all of ", path,
                  path.empty() ? "" : " was finite already", ". ", advice_on_not_finite(job, options));
}

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
