// Labelled texts in columns, as csv and as tsv, and words of any alphabet.
#include <unroll/data/readers.hpp>
#include <unroll/text/unicode_words.hpp>

#define FUZZ_LINES
#include "fuzz.hpp"
#include "mutate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using enum unroll::TextFormat;
  const fuzz::MemoryFile file(data, size);
  const auto read = [&](const unroll::ReadOptions& options) {
    return fuzz::read_or_refuse(size, [&] {
      for (const std::string& text : unroll::read_labelled_text(file.path(), options).texts)
        unroll::UnicodeWordTokenizer{}(text, [](std::string_view word) {
          if (word.empty() || !unroll::is_valid_utf8(word)) std::abort();
        });
    });
  };
  read({.format = csv, .skip_empty_lines = true, .label = "stars", .text = "review"});
  return read({.format = tsv, .header = true, .label = 1, .text = 0});
}
