#include <unroll/io/model_file.hpp>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto make = [](const unroll::ModelInfo&) { return unroll::Sequential{unroll::Dense{1, 1}}; };
  return read_or_refuse([&] { unroll::load_model(make, unroll::SafeTensors(bytes_of(data, size), "file")); });
}
