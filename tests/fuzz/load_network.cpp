// What was read is run, as a plug-in would.
#include <unroll/format/load_network.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/stream/compiled_units.hpp>

#include "fuzz.hpp"
#include "mutate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::read_or_refuse(size, [&] {
    const unroll::Network network = unroll::load_network(fuzz::bytes_of(data, size), "file");
    try {
      unroll::stream::AnyModel model(network, unroll::stream::CompiledUnits<>());
      const std::vector<float> x(static_cast<std::size_t>(2 * network.inputs()), 0.5f);
      std::vector<float> y(static_cast<std::size_t>(2 * network.outputs()));
      model.process(x, y);
    } catch (const std::invalid_argument&) {  // what cannot stream: a layer from the end, token ids
    }
  });
}
