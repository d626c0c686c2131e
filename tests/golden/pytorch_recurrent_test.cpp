// nn.RNN, nn.LSTM and nn.GRU over packed ragged batches: outputs, final states and every gradient.
#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/stack.hpp>

#include "golden.hpp"

namespace {

using namespace unroll;

/// Stacks, of one layer too: their paths are PyTorch's names, and their state has its rows in PyTorch's order.
template <class S> void check(const Golden& golden, S layers) {
  golden.load(layers);
  const auto x = golden.columns("x");
  const auto shape = golden.shape("x");
  const auto lengths = golden.integers("lengths");
  const Index B = shape[0], T = shape[1];
  const auto packed = pack(batch_first(x.data(), B, T, x.rows()), lengths);

  CacheFor<S, PackedSequence<double>> cache;
  const auto start = golden.state<typename S::State>("", "0");
  typename S::State final, d_initial;
  const auto& y = layers.forward({}, packed, cache, {&start, &final});
  check_close("y", unpack(y), golden.columns("y"));
  golden.check_state(final, "", "_n");

  const auto r = golden.columns("r.y");
  const auto dy = pack(batch_first(r.data(), B, T, r.rows()), lengths);
  const auto d_final = golden.state<typename S::State>("r.", "_n");
  check_close("loss", y.values.cwiseProduct(dy.values).sum() + dot(final, d_final), golden.number("loss"));

  S gradient = zeros_like(layers);
  const auto& dx = layers.backward(packed, dy, cache, gradient, {&d_final, &d_initial});
  check_close("grad.x", unpack(dx), golden.columns("grad.x"));
  golden.check_state(d_initial, "grad.", "0");
  golden.check_parameters(gradient, "grad.");
  golden.check_all_read();
}

template <class C> void check_file(const std::string& name) {
  CAPTURE(name);
  const Golden golden(name);
  const Index D = golden.shape("x")[2], H = golden.shape("weight_hh_l0")[1];
  const RecurrentOptions options{.bias = golden.metadata("bias") == "none" ? Bias::none : Bias::dual};
  const bool two = golden.metadata("num_layers") == "2";
  if (golden.metadata("bidirectional") == "True") {
    const Bidirectional first(C(D, H), options);
    two ? check(golden, Stack(first, Bidirectional(C(2 * H, H), options))) : check(golden, Stack(first));
  } else {
    const Recurrent first(C(D, H), options);
    two ? check(golden, Stack(first, Recurrent(C(H, H), options))) : check(golden, Stack(first));
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
