// Truncated backpropagation through time against PyTorch's `detach` at every border of a window.
#include <unroll/cell/lstm.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/stack.hpp>

#include "golden.hpp"

namespace {

using namespace unroll;

template <class S> void check_windows(const Golden& golden, S layers) {
  golden.load(layers);
  const auto shape = golden.shape("x");
  const Index B = shape[0], T = shape[1];
  const auto x = golden.columns("x"), r = golden.columns("r.y"), expected = golden.columns("y");
  const auto d_final = golden.state<typename S::State>("r.", "_n");

  for (const auto& [variant, K] : {std::pair<std::string, Index>{"k3.", 3}, {"k7.", 7}, {"full.", T}}) {
    CAPTURE(variant);
    CacheFor<S, PackedSequence<double>> cache;
    auto state = golden.state<typename S::State>("", "0");
    S gradient = zeros_like(layers);
    Matrix<double> y(r.rows(), B * T), dx(x.rows(), B * T);
    for (Index begin = 0; begin < T; begin += K) {
      const Index steps = std::min(K, T - begin);
      const auto window = [&](const Matrix<double>& whole) {  // in PyTorch: whole[:, begin : begin + steps]
        Matrix<double> part(whole.rows(), B * steps);
        for (Index b = 0; b < B; ++b) part.middleCols(b * steps, steps) = whole.middleCols(b * T + begin, steps);
        return pack(batch_first(part.data(), B, steps, part.rows()),
                    std::vector<Index>(static_cast<std::size_t>(B), steps));
      };
      const auto put = [&](const PackedSequence<double>& part, Matrix<double>& whole) {
        const auto padded = unpack(part);
        for (Index b = 0; b < B; ++b) whole.middleCols(b * T + begin, steps) = padded.middleCols(b * steps, steps);
      };
      // The state goes on into the next window, its gradient does not come back: that is all of it.
      const auto in = window(x);
      typename S::State d_initial;
      put(layers.forward({}, in, cache, {&state, &state}), y);
      const bool last = begin + steps == T;
      put(layers.backward(in, window(r), cache, gradient, {last ? &d_final : nullptr, &d_initial}), dx);
      if (begin == 0) golden.check_state(d_initial, variant + "grad.", "0");
    }
    check_close("y", y, expected);
    golden.check_state(state, "", "_n");
    check_close("grad.x", dx, golden.columns(variant + "grad.x"));
    golden.check_parameters(gradient, variant + "grad.");
  }
  golden.check_all_read();
}

}  // namespace

TEST_CASE("windows of K steps equal PyTorch with detach, and K of the whole length full backpropagation") {
  using L = Lstm<double>;
  SUBCASE("one layer") { check_windows(Golden("pytorch_lstm_truncated"), Stack(Recurrent(L(3, 6)))); }
  SUBCASE("two layers") {
    check_windows(Golden("pytorch_lstm_truncated_two_layers"), Stack(Recurrent(L(3, 6)), Recurrent(L(6, 6))));
  }
}
