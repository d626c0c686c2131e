// A model from a header, as a microcontroller runs it: no heap, no exceptions, no run-time types, no files. Ends with 0
// if the model gives the outputs that its header holds.
#include "amp.hpp"

namespace {

unroll::stream::Stream<const amp::Model&> stream(amp::model);
constexpr int steps = sizeof amp::test_input / sizeof *amp::test_input;
float output[steps];

bool is_close(float a, float b) { return a - b < 1e-5f && b - a < 1e-5f; }

}  // namespace

int main() {
  stream.process(amp::test_input, output);
  for (int t = 0; t < steps; ++t)
    if (!is_close(output[t], amp::test_output[t])) return 1;
  stream.reset();
  const auto start = stream.snapshot();
  for (int t = 0; t < steps; ++t)
    if (!is_close(stream.step(amp::test_input[t]), amp::test_output[t])) return 2;
  stream.restore(start);
  return is_close(stream.step(amp::test_input[0]), amp::test_output[0]) ? 0 : 3;
}
