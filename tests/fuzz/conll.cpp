// Tagged sentences in columns, and CoNLL-U.
#include <unroll/data/conll.hpp>

#define FUZZ_LINES
#include "fuzz.hpp"
#include "mutate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using enum unroll::ConllFormat;
  const fuzz::MemoryFile file(data, size);
  for (const unroll::ConllFormat format : {columns, conll_u})
    fuzz::read_or_refuse(size, [&] {
      const unroll::TaggedSentences read = unroll::read_conll(file.path(), {.format = format});
      if (read.words.empty() || read.words.size() != read.tags.size()) std::abort();
      for (std::size_t k = 0; k < read.words.size(); ++k)
        if (read.words[k].empty() || read.words[k].size() != read.tags[k].size()) std::abort();
    });
  return 0;
}
