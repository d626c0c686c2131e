// Tables of numbers and times, by each way to deal with what is missing.
#include <cmath>

#include <unroll/data/table.hpp>

#define FUZZ_LINES
#include "fuzz.hpp"
#include "mutate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using enum unroll::Missing;
  const fuzz::MemoryFile file(data, size);
  for (const unroll::Missing missing : {error, drop_row, carry_forward, keep})
    for (const char* const time : {"", "date"})
      fuzz::read_or_refuse(size, [&] {
        const unroll::DataTable table = unroll::read_table(file.path(), {.time = time, .missing = missing});
        if (table.rows() == 0 || std::size_t(table.values.rows()) != table.names.size()) std::abort();
        if (!std::ranges::is_sorted(table.times)) std::abort();
        for (unroll::Index k = 0; missing != keep && k < table.values.size(); ++k)
          if (std::isnan(table.values.data()[k])) std::abort();
      });
  return 0;
}
