// Bodies of train/scheduled_sampling.hpp.
#pragma once

#include <unroll/train/scheduled_sampling.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION std::vector<Replaced> draw_replaced(const Context& context, const Packing& packing, double rate) {
  std::vector<Replaced> all;
  if (rate == 0) return all;
  const Rng of_step = Rng(join_keys(context.seed, context.step)).child(0x73616d70);
  for (Index t = 1; t < packing.steps(); ++t)
    for (Index j = 0; j < packing.batch_size(t); ++j) {
      Rng rng = of_step.child(static_cast<std::uint64_t>(context.first_row + packing.row(j)))
                    .child(static_cast<std::uint64_t>(t));
      if (rng.uniform() < rate) all.push_back({packing.offset(t) + j, packing.offset(t - 1) + j, rng});
    }
  return all;
}

}  // namespace unroll::inline UNROLL_ABI::detail
