// A run of fit.
#pragma once

#include <unroll/train/fit_job.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Throws for settings without meaning. Those of streams are what a window is.
UNROLL_API FitSettings checked(const FitSettings& settings);
UNROLL_API History run_fit(FitJob& job, const FitSettings& settings);
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/run_store.hpp>  // and with it the bodies of both
#endif
