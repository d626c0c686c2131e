#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <vector>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/format/load_network.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/stream/dense.hpp>
#include <unroll/stream/recurrent.hpp>
#include <unroll/stream/stream.hpp>

using namespace unroll;

// region type
// An LSTM of one input and 20 units, a dense layer, and the input added to the output.
using Amp = stream::Sequential<stream::Skip<stream::Recurrent<Lstm<>, 1, 20>, stream::Dense<20, 1>>>;
// endregion

int main() {
  std::vector<float> block(64);
  for (std::size_t t = 0; t < block.size(); ++t) block[t] = static_cast<float>(std::sin(0.1 * double(t)));
  const std::vector<float> input = block;

  {
    // region any
    stream::AnyModel model(load_network("amp.nam"));  // allocates, may throw
    model.prewarm(2048);                              // silence, until the model is at rest
    model.process(block, block);                      // in the audio thread
    // endregion
    std::cout << std::isfinite(block[63]) << ' ' << model.inputs() << " in, " << model.outputs() << " out\n";
  }
  {
    // region fixed
    const Sequential trained{Recurrent{Lstm{1, 20}}, Dense{20, 1}};

    static stream::Stream<Amp> amp;  // weights and state in one object
    amp.assign(trained);             // refuses a model of another shape
    amp.process(block, block);
    const float y = amp.step(0.5f);
    // endregion
    // region state
    const auto state = amp.snapshot();
    amp.process(block, block);
    amp.restore(state);  // as if the block had not been
    amp.reset();         // to the initial state
    // endregion
    // region shared
    const Amp& weights = amp.model();
    stream::Stream<const Amp&> left(weights), right(weights);
    // endregion
    // region nan
    left.non_finite = stream::NonFinite::replace;
    // endregion
    std::cout << (left.step(std::nanf("")) == right.step(0.f)) << ' ' << y << '\n';
  }
  {
    // region fast
    using FastAmp = stream::Sequential<stream::Recurrent<Lstm<>, 1, 20, stream::Fast>, stream::Dense<20, 1>>;
    // endregion
    static stream::Stream<FastAmp> fast;
    std::cout << fast.step(0.f) << '\n';
  }
}
