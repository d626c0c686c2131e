#include <unroll/format/nam.hpp>

#include "fuzz.hpp"
#include "mutate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::read_or_refuse(size, [&] {
    unroll::detail::read_json_network(fuzz::bytes_of(data, size), "file", unroll::detail::network_from_nam);
  });
}
