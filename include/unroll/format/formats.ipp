// Other programs' JSON formats: a new one is an include and a line here.
#pragma once

#include <string_view>

#include <unroll/format/guitarml.ipp>
#include <unroll/format/nam.ipp>
#include <unroll/format/rtneural.ipp>

namespace unroll::inline UNROLL_ABI::detail {

/// `member` is at the top of every file of the format, and of none of those that come after it here.
struct JsonFormat {
  std::string_view name, member;
  ReadNetwork read;
};
inline constexpr JsonFormat json_formats[] = {{"NAM", "architecture", &network_from_nam},
                                              {"GuitarML", "state_dict", &network_from_guitarml},
                                              {"GuitarML", "model_data", &network_from_guitarml},
                                              {"RTNeural", "layers", &network_from_rtneural}};

}  // namespace unroll::inline UNROLL_ABI::detail
