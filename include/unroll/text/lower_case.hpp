// Lower case of any text.
#pragma once

#include <string>
#include <string_view>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

/// The text with its letters, of any alphabet, in lower case, as `UnicodeWordTokenizer` has them; all else, also bytes
/// that are not UTF-8, stays as it is.
UNROLL_API std::string lower_case(std::string_view text);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/text/lower_case.ipp>
#endif
