// nn.LSTM and nn.GRU with a mask on weight_hh, which is the one that our layer draws: outputs and every gradient.
#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/layer/bidirectional.hpp>

#include "recurrent.hpp"

namespace {
template <template <class> class Layer, class C> void check_dropped(const std::string& name) {
  using namespace unroll;
  CAPTURE(name);
  const Golden golden(name);
  RecurrentOptions options = options_of(golden);
  options.weight_dropout = std::stod(golden.metadata("weight_dropout"));
  const Layer<C> layer(C(golden.shape("x")[2], golden.shape("weight_hh_l0")[1]), options);
  check_stack(
      golden, Stack(layer),
      {.training = true, .seed = std::stoull(golden.metadata("seed")), .step = std::stoull(golden.metadata("step"))});
}
}  // namespace

TEST_CASE("weight drop computes what PyTorch does with the same masks, forward and backward") {
  using namespace unroll;
  check_dropped<Recurrent, Lstm<double>>("pytorch_weight_drop_lstm");
  check_dropped<Recurrent, Gru<double>>("pytorch_weight_drop_gru");
  check_dropped<Bidirectional, Lstm<double>>("pytorch_weight_drop_lstm_bidirectional");
}
