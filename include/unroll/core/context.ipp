// Bodies of core/context.hpp.
#pragma once

#include <unroll/core/context.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION DropoutMask::DropoutMask(const Context& context, std::uint64_t mask, double rate)
    : key_(detail::join_keys(detail::join_keys(context.seed, context.step), detail::join_keys(context.layer, mask))),
      threshold_(rate >= 0 && rate < 1 ? static_cast<std::uint32_t>(rate * 0x1p32) : 0),
      scale_(1 / (1 - rate)),
      first_row_(context.first_row) {
  detail::require_fraction("DropoutMask", "rate", rate);
}

}  // namespace unroll::inline UNROLL_ABI
