#include <unroll/io/network_file.hpp>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return read_or_refuse([&] {
    const unroll::SafeTensors file(bytes_of(data, size), "file");
    for (const auto& [name, tensor] : file.tensors)
      if (tensor.rank() <= 2 && tensor.size() > 0) read_or_refuse([&] { file.matrix<float>(name); });
    unroll::network_from_safetensors(file);
  });
}
