// What a stream makes of numbers that are none.
#pragma once

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {
namespace stream {

/// What becomes of NaN and infinity in the input: they go in, so that `reset` is needed after them, or count as 0.
enum class NonFinite { keep, replace };

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
