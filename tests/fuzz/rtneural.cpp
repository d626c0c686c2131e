#include <unroll/io/rtneural.hpp>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return read_or_refuse(
      [&] { unroll::detail::read_json_network(text_of(data, size), "file", unroll::detail::network_from_rtneural); });
}
