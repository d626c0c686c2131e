// Any file that holds a network, run as a stream.
#include <cstdio>
#include <vector>

#include <unroll/format/load_network.hpp>
#include <unroll/stream/any_model.hpp>

int main(int, char** argv) {
  unroll::stream::AnyModel model(unroll::load_network(argv[1]));
  std::vector<float> x(64), y(64);
  model.process(x, y);
  std::printf("%g\n", static_cast<double>(y[0]));
}
