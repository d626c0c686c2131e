#include <unroll/io/load_network.hpp>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return read_or_refuse([&] { unroll::load_network(bytes_of(data, size), "file"); });
}
