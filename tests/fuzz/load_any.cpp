// A model of whatever the file says, which is then asked.
#include <unroll/train/load_any.hpp>

#include "fuzz.hpp"
#include "mutate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace unroll;
  return fuzz::read_or_refuse(size, [&] {
    const auto bytes = fuzz::bytes_of(data, size);
    const LoadedAny loaded = detail::load_any({bytes.begin(), bytes.end()}, "file", {}, library_kinds(),
                                              detail::maker_of<LibraryKinds, float>());
    if (loaded.info.vocabulary) {
      loaded.predict("a b c");
    } else if (loaded.takes_tokens()) {
      const std::vector<std::int32_t> ids{0, 0};
      loaded.infer(std::span(ids));
    }
  });
}
