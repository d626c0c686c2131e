// Text that is put together by the compiler.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// The parts, which are static constants, one behind the other.
template <const std::string_view&... parts> class Joined {
  static constexpr auto text = [] {
    std::array<char, (parts.size() + ...)> joined{};
    auto* at = joined.data();
    ((at = std::copy(parts.begin(), parts.end(), at)), ...);
    return joined;
  }();

 public:
  static constexpr std::string_view value{text.data(), text.size()};
};

}  // namespace unroll::inline UNROLL_ABI::detail
