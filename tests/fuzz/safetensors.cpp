#include <unroll/format/network_file.hpp>

#include "fuzz.hpp"
#include "mutate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::read_or_refuse(size, [&] {
    const unroll::SafeTensors file(fuzz::bytes_of(data, size), "file");
    for (const auto& [name, tensor] : file.tensors) {
      try {
        file.matrix<float>(name);
      } catch (const unroll::FormatError&) {
      }
      try {
        file.elements<std::int32_t>(name);
      } catch (const unroll::FormatError&) {
      }
    }
    unroll::network_from_safetensors(file);
  });
}
