// Metadata keys of a model file.
#pragma once

#include <string_view>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI::detail {

inline constexpr std::string_view network_key = "unroll.network", model_format_key = "unroll.format",
                                  model_format_version = "1";
inline constexpr std::string_view test_tokens_key = "unroll.test_tokens", test_values_key = "unroll.test_values",
                                  test_steps_key = "unroll.test_steps", test_output_key = "unroll.test_output";
inline constexpr std::string_view merge_names[] = {"concat", "sum", "average", "product"};

}  // namespace unroll::inline UNROLL_ABI::detail
