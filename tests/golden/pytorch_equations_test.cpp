// The cells that PyTorch has no layer of: against their equations there. And nn.LSTM with proj_size.
#include <unroll/cell/coupled_gate_lstm.hpp>
#include <unroll/cell/ind_rnn.hpp>
#include <unroll/cell/layer_norm_gru.hpp>
#include <unroll/cell/layer_norm_lstm.hpp>
#include <unroll/cell/lru.hpp>
#include <unroll/cell/min_gru.hpp>
#include <unroll/cell/min_lstm.hpp>
#include <unroll/cell/minimal_gated_unit.hpp>
#include <unroll/cell/mogrifier_lstm.hpp>
#include <unroll/cell/projected_lstm.hpp>
#include <unroll/cell/slstm.hpp>
#include <unroll/layer/bidirectional.hpp>

#include "recurrent.hpp"

namespace {

using namespace unroll;

template <class C> void check_equations(const std::string& name) {
  CAPTURE(name);
  const Golden golden(name);
  check_stack(golden, Stack(Recurrent(C(golden.shape("x")[2], golden.shape("h0")[2]), options_of(golden))));
}

ProjectedLstm<double> projected(const Golden& golden, const std::string& layer) {
  const auto shape = golden.shape("weight_hr_" + layer);
  return {golden.shape("weight_ih_" + layer)[1], shape[1], shape[0]};
}

}  // namespace

TEST_CASE_TEMPLATE("a cell that PyTorch has not computes its equations there, forward and backward", C,
                   LayerNormLstm<double>, LayerNormGru<double>, MinimalGatedUnit<double>, MinGru<double>,
                   MinLstm<double>, CoupledGateLstm<double>, IndRnn<double>, SLstm<double>, MogrifierLstm<double>,
                   Lru<double>) {
  const std::string name = concat_text("pytorch_", C::kind);
  SUBCASE("with biases") { check_equations<C>(name); }
  SUBCASE("without bias") { check_equations<C>(name + "_no_bias"); }
  SUBCASE("more units than a vector holds, and not a multiple of it") { check_equations<C>(name + "_wide"); }
}

TEST_CASE("a projected LSTM computes what PyTorch's does, forward and backward") {
  for (const std::string name : {"pytorch_projected_lstm", "pytorch_projected_lstm_wide"}) {
    CAPTURE(name);
    const Golden golden(name);
    check_stack(golden, Stack(Recurrent(projected(golden, "l0"), options_of(golden))));
  }
  const Golden golden("pytorch_projected_lstm_two_layers_bidirectional");
  check_stack(golden, Stack(Bidirectional(projected(golden, "l0"), options_of(golden)),
                            Bidirectional(projected(golden, "l1"), options_of(golden))));
}
