// Metadata keys of a model file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI::detail {

inline constexpr std::string_view network_key = "unroll.network", model_format_key = "unroll.format",
                                  model_format_version = "1";
inline constexpr std::string_view options_key = "unroll.options";
inline constexpr std::string_view test_tokens_key = "unroll.test_tokens", test_values_key = "unroll.test_values",
                                  test_steps_key = "unroll.test_steps", test_output_key = "unroll.test_output";
/// Of the k-th input of a model of several: `unroll.test_tokens.1`.
inline std::string test_key(std::string_view key, std::size_t k) {
  return k == 0 ? std::string(key) : concat_text(key, ".", k);
}

}  // namespace unroll::inline UNROLL_ABI::detail
