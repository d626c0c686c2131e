// A cell whose backward is derived beside the same cell with a backward by hand, and a cell in stages or with less to
// multiply beside the one that it is a variant of: forward + backward of one layer at (D, H, B, T) = (128, 128, 64,
// 200), one thread, in turns. Processor time, so that a neighbor counts little.
//   derived_cells [ROUNDS]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include <unroll/cell/coupled_gate_lstm.hpp>
#include <unroll/cell/derived.hpp>
#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/ind_rnn.hpp>
#include <unroll/cell/layer_norm_gru.hpp>
#include <unroll/cell/layer_norm_lstm.hpp>
#include <unroll/cell/lru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/min_gru.hpp>
#include <unroll/cell/min_lstm.hpp>
#include <unroll/cell/minimal_gated_unit.hpp>
#include <unroll/cell/mogrifier_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/cell/slstm.hpp>
#include <unroll/cell/zoneout.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../tests/support/forward_only.hpp"

namespace {

using namespace unroll;

template <class C> C made() {
  if constexpr (requires { C(128, 128); })
    return C(128, 128);
  else
    return C(Lstm<>(128, 128), {.h = 0.05, .c = 0.5});
}
template <class C> struct Side {
  Recurrent<C> layer{made<C>()};
  Recurrent<C> gradient;
  PackedSequence<float> x;
  CacheFor<Recurrent<C>, PackedSequence<float>> cache;
  std::vector<double> times;

  Side() : gradient(layer) {
    randomize(layer, Rng(1), 0.09);
    x.packing = Packing::from_lengths(std::vector<Index>(64, 200), 200);
    x.values = Eigen::MatrixXf::Random(128, x.packing.total());
    pass();
    times.clear();
  }
  void pass() {
    set_zero(gradient);
    const std::clock_t start = std::clock();
    layer.forward({.training = true}, x, cache);
    layer.backward(x, x, cache, gradient);
    times.push_back(1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  double least() const { return *std::min_element(times.begin(), times.end()); }
};
double median(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return of[of.size() / 2];
}

template <class ByHand, class Other> void compare(const char* name, int rounds) {
  Side<ByHand> by_hand;
  Side<Other> derived;
  std::vector<double> ratios;
  for (int k = 0; k < rounds; ++k) {
    by_hand.pass();
    derived.pass();
    ratios.push_back(derived.times.back() / by_hand.times.back());
  }
  std::printf("%-16s  %7.1f ms (%5.1f)  %7.1f ms (%5.1f)  %.3f  %.3f\n", name, median(by_hand.times), by_hand.least(),
              median(derived.times), derived.least(), median(ratios), derived.least() / by_hand.least());
}

}  // namespace

int main(int argc, char** argv) {
  set_threads(1);
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 31;
  std::printf("median (least) of the first and the second, median ratio of the pairs, ratio of the least\n");
  compare<Rnn<>, Derived<RnnEquations<float>>>("rnn", rounds);
  compare<Lstm<>, Derived<LstmEquations<float>>>("lstm", rounds);
  compare<Gru<>, Derived<GruEquations<float>>>("gru", rounds);
  compare<Gru<>, GruResetBefore<>>("gru-reset-before", rounds);
  compare<Gru<>, LayerNormGru<>>("layer-norm-gru", rounds);
  compare<Gru<>, MinimalGatedUnit<>>("minimal-gated", rounds);
  compare<Lstm<>, LayerNormLstm<>>("layer-norm-lstm", rounds);
  compare<Lstm<>, CoupledGateLstm<>>("coupled-gate", rounds);
  compare<Lstm<>, SLstm<>>("slstm", rounds);
  compare<Lstm<>, Zoneout<Lstm<>>>("zoneout", rounds);
  compare<Lstm<>, MogrifierLstm<>>("mogrifier-lstm", rounds);
  compare<Lstm<>, Lru<>>("lru", rounds);
  compare<Gru<>, MinGru<>>("min-gru", rounds);
  compare<Lstm<>, MinLstm<>>("min-lstm", rounds);
  compare<Rnn<>, IndRnn<>>("ind-rnn", rounds);
}
