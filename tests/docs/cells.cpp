// The checks of docs/cells/: each cell against central differences, and one step against the equations by hand.
#include <cmath>
#include <iostream>

#include <unroll/cell/coupled_gate_lstm.hpp>
#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/ind_rnn.hpp>
#include <unroll/cell/lru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/min_gru.hpp>
#include <unroll/cell/min_lstm.hpp>
#include <unroll/cell/mogrifier_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/cell/slstm.hpp>
#include <unroll/cell/zoneout.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/testing/check_gradient.hpp>

using namespace unroll;

namespace {

void begin(const char* region) { std::cout << "// endregion\n// region " << region << '\n'; }

// region batch
/// D = 3; four sequences of 5, 1, 0 and 3 steps.
PackedSequence<double> ragged_batch() {
  const std::vector<Index> lengths{5, 1, 0, 3};
  PackedSequence<double> x{{}, Packing::from_lengths(lengths, 5)};
  x.values.resize(3, x.packing.total());
  Rng rng(1);
  for (Index n = 0; n < x.values.size(); ++n) x.values.data()[n] = rng.uniform(-1, 1);
  return x;
}
// endregion

// region report
void check(Visitable auto layer) {
  randomize(layer, Rng(2));
  const GradientReport report = check_gradient(layer, ragged_batch());
  std::cout << layer.describe() << ": " << report.elements << " elements, "
            << (report.passed(1e-7) ? "all within 1e-7" : report.str()) << '\n';
}
// endregion

// region bound
void bound_memory(Recurrent<IndRnn<float>>& layer, int steps) {
  const float most = std::pow(2.f, 1.f / static_cast<float>(steps));
  layer.cell.unit.array() = layer.cell.unit.array().min(most).max(-most);
}
// endregion

}  // namespace

int main() {
  begin("rnn");
  // region rnn
  check(Recurrent{Rnn<double>{3, 4}});
  // endregion

  begin("lstm");
  // region lstm
  check(Recurrent{Lstm<double>{3, 4}});
  // endregion

  begin("gru");
  // region gru
  check(Recurrent{Gru<double>{3, 4}});
  check(Recurrent{GruResetBefore<double>{3, 4}, {.bias = Bias::single}});
  // endregion

  begin("min");
  // region min
  check(Recurrent{MinGru<double>{3, 4}});
  check(Recurrent{MinLstm<double>{3, 4}});
  // endregion

  begin("coupled");
  // region coupled
  check(Recurrent{CoupledGateLstm<double>{3, 4}});
  // endregion

  begin("slstm");
  // region slstm
  check(Recurrent{SLstm<double>{3, 4}});
  // endregion

  begin("mogrifier");
  // region mogrifier
  check(Recurrent{MogrifierLstm<double>{3, 4}});
  // endregion

  begin("zoneout");
  // region zoneout
  check(Recurrent{Zoneout{Lstm<double>{3, 4}, {.h = 0.05, .c = 0.5}}});
  // endregion

  begin("lru");
  // region lru
  check(Recurrent{Lru<double>{3, 4}});
  // endregion

  begin("ind_rnn");
  // region ind_rnn
  check(Recurrent{IndRnn<double>{3, 4}});
  // endregion
  Recurrent wild{IndRnn<>{1, 1}};
  wild.cell.unit << 3;
  bound_memory(wild, 1);
  if (wild.cell.unit(0, 0) != 2) return 1;

  begin("step");
  // region step
  Recurrent layer{Lstm<double>{1, 1}, {.bias = Bias::single}};  // a single unit: each matrix is a column of four gates
  layer.weight_ih << 0.5, -0.3, 0.8, 0.2;
  layer.bias_ih << 0.1, 1.0, 0.0, -0.2;
  layer.cell.weight_hh << -0.4, 0.6, 0.3, 0.7;

  const std::vector<Index> one_step{1};
  const PackedSequence<double> x{Matrix<double>::Constant(1, 1, 0.9), Packing::from_lengths(one_step, 1)};
  decltype(layer)::State before, after;
  before.fields[0] = Matrix<double>::Constant(1, 1, 0.25);  // h
  before.fields[1] = Matrix<double>::Constant(1, 1, -0.6);  // c
  CacheFor<decltype(layer), PackedSequence<double>> cache;
  layer.forward({}, x, cache, {&before, &after});

  const auto sigmoid = [](double a) { return 1 / (1 + std::exp(-a)); };
  const double i = sigmoid(0.5 * 0.9 + 0.1 - 0.4 * 0.25), f = sigmoid(-0.3 * 0.9 + 1.0 + 0.6 * 0.25);
  const double g = std::tanh(0.8 * 0.9 + 0.3 * 0.25), o = sigmoid(0.2 * 0.9 - 0.2 + 0.7 * 0.25);
  const double c = f * -0.6 + i * g, h = o * std::tanh(c);
  std::cout.precision(6);
  std::cout << "c: " << after.fields[1](0, 0) << " by the layer, " << c << " by hand\n"
            << "h: " << after.fields[0](0, 0) << " by the layer, " << h << " by hand\n";
  // endregion
}
