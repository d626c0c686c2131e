#include <iostream>

#include <unroll/format/load_network.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/network/library_kinds.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/stream/dynamic_kinds.hpp>
#include <unroll/unroll.hpp>

// region cell
/// h_t is halfway between h_{t-1} and tanh(W x_t + b + U h_{t-1} + b_h).
template <class T = float> struct Halfway : unroll::CellSize<T> {
  using unroll::CellSize<T>::CellSize;
  static constexpr int GX = 1, GU = 1, S = 1;
  static constexpr std::string_view name = "Halfway", kind = "halfway";

  static constexpr void forward(const auto& x, const auto& u, const auto& prev, auto& next) {
    next[0] = 0.5f * (prev[0] + tanh(x[0] + u[0]));
  }
};
using MyKinds = unroll::Kinds<unroll::LibraryKinds, unroll::RecurrentKind<unroll::Derived<Halfway<>>>>;
// endregion

int main() {
  // region use
  unroll::Sequential model{unroll::Recurrent{unroll::Derived<Halfway<>>{1, 8}}, unroll::Dense{8, 1}};
  unroll::initialize(model, unroll::Rng{1});
  unroll::save("model.safetensors", model);

  const unroll::Network network = unroll::load_network<MyKinds>("model.safetensors");
  unroll::stream::AnyModel stream(network, MyKinds());
  std::cout << unroll::kind_name(network.layers[0]) << ", " << stream.inputs() << " in, " << stream.outputs()
            << " out\n";
  try {
    unroll::load_network("model.safetensors");
  } catch (const unroll::FormatError& error) {
    std::cout << error.what() << '\n';
  }
  // endregion
}
