#include <unroll/io/checkpoint.hpp>
#include <unroll/layer/dense.hpp>

#include "fuzz.hpp"
#include "mutate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::read_or_refuse(size, [&] {
    unroll::Checkpoint checkpoint(unroll::SafeTensors(fuzz::bytes_of(data, size), "file"));
    unroll::Dense<float> dense(1, 1);
    checkpoint.read("model", dense);
    checkpoint.get<double>("rate");
    checkpoint.get<std::int64_t>("steps");
    checkpoint.get<bool>("done");
    checkpoint.get<std::vector<double>>("losses");
    checkpoint.require_all_read();
  });
}
