#include <unroll/data/word_vector_file.hpp>

#define FUZZ_LINES
#include "fuzz.hpp"
#include "mutate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(data, size);
  return fuzz::read_or_refuse(size, [&] { unroll::read_word_vectors(file.path()); });
}
