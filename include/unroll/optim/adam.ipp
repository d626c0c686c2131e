// Bodies of optim/adam.hpp.
#pragma once

#include <unroll/core/error.hpp>
#include <unroll/core/range.hpp>
#include <unroll/optim/adam.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void Adam::check(const char* who) const {
  detail::check_options(who, rate, weight_decay);
  detail::require_fraction(who, "beta1", beta1);
  detail::require_fraction(who, "beta2", beta2);
  detail::require_not_negative(who, "epsilon", epsilon);
}

}  // namespace unroll::inline UNROLL_ABI
