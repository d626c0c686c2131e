// How two directions become one.
#pragma once

#include <string_view>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

/// How the two directions' outputs become one. Who wants both separately takes `concat`: the upper H rows are the
/// forward layer's, the lower H the reverse layer's, in the output and in its gradient alike.
enum class Merge { concat, sum, average, product };

/// In files.
inline constexpr std::string_view merge_names[] = {"concat", "sum", "average", "product"};

}  // namespace unroll::inline UNROLL_ABI
