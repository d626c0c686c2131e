// Bodies of optim/sgd.hpp.
#pragma once

#include <unroll/core/error.hpp>
#include <unroll/core/range.hpp>
#include <unroll/optim/sgd.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void Sgd::check() const {
  detail::check_options("Sgd", rate, weight_decay);
  detail::require_not_negative("Sgd", "momentum", momentum);
  detail::require_share("Sgd", "dampening", dampening);
  require(!nesterov || (momentum > 0 && dampening == 0), "Sgd: nesterov needs momentum and no dampening");
  require(dampening == 0 || convention == Convention::pytorch, "Sgd: Keras's formula has no dampening");
}

}  // namespace unroll::inline UNROLL_ABI
