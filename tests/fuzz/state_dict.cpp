#include <unroll/io/state_dict.hpp>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return read_or_refuse([&] {
    const unroll::detail::Json tree = unroll::detail::JsonTree::parse(text_of(data, size), "file");
    unroll::detail::tensors_from_json(unroll::detail::JsonAt(tree, "file"));
  });
}
