// Bodies of optim/rule.hpp.
#pragma once

#include <unroll/core/range.hpp>
#include <unroll/optim/rule.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION void check_options(const char* who, double rate, double weight_decay) {
  require_not_negative(who, "the rate", rate);
  require_not_negative(who, "weight_decay", weight_decay);
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
