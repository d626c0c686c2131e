// Writes a model file of every kind of layer, with the tensors that it may have and without, named model_KIND, or
// refused_KIND where a stream has none: write_kinds FOLDER
#include <filesystem>

#include <unroll/format/network_writer.hpp>

#include "../kind/kinds.hpp"

int main(int, char** arguments) {
  const std::filesystem::path folder = arguments[1];
  unroll::for_each_kind<unroll::LibraryKinds>([&]<class K>() {
    for (const bool all : {false, true}) {
      const unroll::Network network = network_of_kind<K>(all);
      constexpr bool refuses = requires { K::no_stream; };
      const bool streams = !refuses || network.takes_tokens();
      unroll::save_network(folder / unroll::concat_text(streams ? "model_" : "refused_", K::name, all ? "_all" : ""),
                           network);
    }
  });
}
