// Layers that are there for training alone.
#pragma once

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Whether a layer does nothing when a model runs, and says so: files, networks and streams leave it out.
template <class L> inline constexpr bool is_identity_in_inference = requires { requires L::identity_in_inference; };

}  // namespace unroll::inline UNROLL_ABI::detail
