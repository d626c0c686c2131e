// Bodies of optim/rms_prop.hpp.
#pragma once

#include <unroll/core/error.hpp>
#include <unroll/core/range.hpp>
#include <unroll/optim/rms_prop.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void RmsProp::check() const {
  detail::check_options("RmsProp", rate, weight_decay);
  detail::require_fraction("RmsProp", "rho", rho);
  detail::require_not_negative("RmsProp", "momentum", momentum);
  detail::require_not_negative("RmsProp", "epsilon", epsilon);
}

}  // namespace unroll::inline UNROLL_ABI
