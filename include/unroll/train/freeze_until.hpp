// Parts of a model that learn later than the others.
#pragma once

#include <string>

#include <unroll/train/callback.hpp>

namespace unroll::inline UNROLL_ABI {

/// Keeps the parameters whose paths match `pattern`, see `freeze`, as they are until an epoch begins, and thaws them
/// then: `FreezeUntil{"0.*", 3}` lets the first layer learn from epoch 3 on. Several of them thaw one part after the
/// other. Where training ends before, they stay frozen.
///
/// Thawed, they learn at the optimizer's rate, or at a share of it where they are a group of an optimizer of the
/// caller's: `optimizer.group("0.*", {.rate_scale = 0.1})`.
struct FreezeUntil {
  std::string pattern;
  Index epoch = 2;  ///< from 1; 1 freezes nothing

  UNROLL_API void on_train_begin(Run& run) const;
  UNROLL_API void on_epoch_begin(Run& run) const;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/freeze_until.ipp>
#endif
