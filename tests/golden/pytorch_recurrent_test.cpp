// nn.RNN, nn.LSTM and nn.GRU over packed ragged batches: outputs, final states and every gradient.
#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/layer/bidirectional.hpp>

#include "recurrent.hpp"

namespace {

using namespace unroll;

template <class C> void check_file(const std::string& name) {
  CAPTURE(name);
  const Golden golden(name);
  const Index D = golden.shape("x")[2], H = golden.shape("weight_hh_l0")[1];
  const RecurrentOptions options = options_of(golden);
  const bool two = golden.metadata("num_layers") == "2";
  if (golden.metadata("bidirectional") == "True") {
    const Bidirectional first(C(D, H), options);
    two ? check_stack(golden, Stack(first, Bidirectional(C(2 * H, H), options))) : check_stack(golden, Stack(first));
  } else {
    const Recurrent first(C(D, H), options);
    two ? check_stack(golden, Stack(first, Recurrent(C(H, H), options))) : check_stack(golden, Stack(first));
  }
}

template <class C> const char* file = "";
template <> const char* file<Rnn<double>> = "pytorch_rnn_tanh";
template <> const char* file<ReluRnn<double>> = "pytorch_rnn_relu";
template <> const char* file<Lstm<double>> = "pytorch_lstm";
template <> const char* file<Gru<double>> = "pytorch_gru";

}  // namespace

TEST_CASE_TEMPLATE("a layer computes what PyTorch's does, forward and backward", C, Rnn<double>, ReluRnn<double>,
                   Lstm<double>, Gru<double>) {
  const std::string name = file<C>;
  SUBCASE("one layer") { check_file<C>(name); }
  SUBCASE("without bias") { check_file<C>(name + "_no_bias"); }
  SUBCASE("two layers") { check_file<C>(name + "_two_layers"); }
  SUBCASE("both directions") { check_file<C>(name + "_bidirectional"); }
  SUBCASE("two layers in both directions") { check_file<C>(name + "_two_layers_bidirectional"); }
  SUBCASE("two layers in both directions without bias") { check_file<C>(name + "_two_layers_bidirectional_no_bias"); }
  if (!std::same_as<C, ReluRnn<double>>) SUBCASE("more units than a vector holds, and not a multiple of it") {
      check_file<C>(name + "_wide");
    }
}
