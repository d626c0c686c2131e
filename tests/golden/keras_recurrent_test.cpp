// Keras SimpleRNN, LSTM, GRU in both forms and Bidirectional under masks: holes, leading masked steps, rows that are
// masked whole. Outputs, states and every gradient.
#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/final_state.hpp>

#include "golden.hpp"

namespace {

using namespace unroll;

/// What every variant of a file shares.
struct Input {
  Matrix<double> x;
  Index B, T;
  Packing masked, whole;

  explicit Input(const Golden& golden) : x(golden.columns("x")), B(golden.shape("x")[0]), T(golden.shape("x")[1]) {
    masked = Packing::from_mask(golden.integers<std::uint8_t>("mask"), B, T);
    whole = Packing::from_mask(std::vector<std::uint8_t>(static_cast<std::size_t>(B * T), 1), B, T);
  }
  PackedSequence<double> packed(const Packing& packing) const {
    return pack(batch_first(x.data(), B, T, x.rows()), packing);
  }
  /// (rows, B * T) with the steps of every sequence backwards.
  Matrix<double> reversed(const Matrix<double>& m) const {
    Matrix<double> out(m.rows(), m.cols());
    for (Index b = 0; b < B; ++b)
      for (Index t = 0; t < T; ++t) out.col(b * T + t) = m.col(b * T + T - 1 - t);
    return out;
  }
  /// (rows, B) without the columns of sequences that are masked whole: their last output is 0 in Keras, while their
  /// final state is the initial one in Keras as here. Here the last output is the final state's h.
  Matrix<double> of_nonempty(const Matrix<double>& m) const {
    Matrix<double> out = m;
    for (Index j = 0; j < B; ++j)
      if (masked.length(j) == 0) out.col(masked.row(j)).setZero();
    return out;
  }
};

/// Forward and backward of one variant. `compare` takes the output, returns its gradient and the objective's part.
template <class L, class Compare>
void run(const Golden& golden, const std::string& variant, L layer, const PackedSequence<double>& x,
         const Compare& compare) {
  CAPTURE(variant);
  golden.load(layer);
  const auto start = golden.state<typename L::State>("", "0"), d_final = golden.state<typename L::State>("r.", "_n");
  typename L::State final, d_initial;
  CacheFor<L, PackedSequence<double>> cache;
  const auto [dy, objective] = compare(layer.forward({}, x, cache, {&start, &final}));
  golden.check_state(final, variant + ".", "_n");
  check_close("loss", objective + dot(final, d_final), golden.number(variant + ".loss"));

  L gradient = zeros_like(layer);
  const auto& dx = layer.backward(x, dy, cache, gradient, {&d_final, &d_initial});
  check_close("grad.x", unpack(dx), golden.columns(variant + ".grad.x"));
  golden.check_state(d_initial, variant + ".grad.", "0");
  golden.check_parameters(gradient, variant + ".grad.");
}

template <class C> void check_layer(const std::string& name, Bias bias) {
  const Golden golden(name);
  const Input input(golden);
  const Index D = input.x.rows(), H = golden.shape("weight_hh_l0")[1];
  for (const std::string variant :
       {"repeat", "zero", "backwards_repeat", "backwards_zero", "no_mask", "no_bias", "last", "backwards_last"}) {
    const bool backwards = variant.starts_with("backwards");
    const Bias biases = variant == "no_bias" ? Bias::none : bias;
    const Recurrent layer(C(D, H), {.reverse = backwards, .bias = biases});
    const auto x = input.packed(variant == "no_mask" ? input.whole : input.masked);
    const auto expected = golden.columns(variant + ".y");
    if (variant.ends_with("last")) {
      run(golden, variant, FinalState(layer), x, [&](const Matrix<double>& y) {
        check_close("y", input.of_nonempty(y), expected);
        const auto dy = input.of_nonempty(golden.columns("r.last"));
        return std::pair(dy, y.cwiseProduct(dy).sum());
      });
      continue;
    }
    const Fill fill = variant.ends_with("zero") ? Fill::zero : Fill::repeat;
    const Direction direction = backwards ? Direction::reverse : Direction::forward;
    // Keras returns what go_backwards computes in processing order; here a step's output stays at its time.
    const auto in_time = [&](const Matrix<double>& m) { return backwards ? input.reversed(m) : m; };
    run(golden, variant, layer, x, [&](const PackedSequence<double>& y) {
      const auto padded = unpack(y, fill, direction);
      check_close("y", padded, in_time(expected));
      const auto r = in_time(golden.columns("r.y"));
      return std::pair(unpack_backward(r, y.packing, fill, direction), padded.cwiseProduct(r).sum());
    });
  }
  golden.check_all_read();
}

constexpr std::array<std::pair<std::string_view, Merge>, 5> merges{{{"concat", Merge::concat},
                                                                    {"sum", Merge::sum},
                                                                    {"ave", Merge::average},
                                                                    {"mul", Merge::product},
                                                                    {"none", Merge::concat}}};

template <class C> void check_bidirectional(const std::string& name, Bias bias) {
  const Golden golden(name);
  const Input input(golden);
  const Index D = input.x.rows(), H = golden.shape("weight_hh_l0")[1];
  // Keras's None returns the two directions apart: the halves of a concatenation.
  const auto expected = [&](const std::string& variant) {
    if (!variant.starts_with("none")) return golden.columns(variant + ".y");
    const auto forward = golden.columns(variant + ".y_forward"), reverse = golden.columns(variant + ".y_reverse");
    Matrix<double> both(2 * H, forward.cols());
    both << forward, reverse;
    return both;
  };
  for (const auto& [keras, merge] : merges) {
    const Bidirectional layer(C(D, H), {.bias = bias}, merge);
    const Index rows = merge == Merge::concat ? 2 * H : H;
    const auto x = input.packed(input.masked);
    if (const std::string variant(keras); golden.contains(variant + ".loss"))
      run(golden, variant, layer, x, [&](const PackedSequence<double>& y) {
        check_close("y", unpack(y), expected(variant));
        const Matrix<double> r = golden.columns("r.y").topRows(rows);
        return std::pair(unpack_backward(r, y.packing), unpack(y).cwiseProduct(r).sum());
      });
    if (const std::string variant = std::string(keras) + "_last"; golden.contains(variant + ".loss"))
      run(golden, variant, FinalState(layer), x, [&](const Matrix<double>& y) {
        check_close("y", input.of_nonempty(y), expected(variant));
        const auto dy = input.of_nonempty(Matrix<double>(golden.columns("r.last").topRows(rows)));
        return std::pair(dy, y.cwiseProduct(dy).sum());
      });
  }
  golden.check_all_read();
}

}  // namespace

TEST_CASE("a masked layer computes what Keras's does, repeated or zero, backwards, last or whole") {
  SUBCASE("SimpleRNN") { check_layer<Rnn<double>>("keras_simple_rnn", Bias::single); }
  SUBCASE("LSTM") { check_layer<Lstm<double>>("keras_lstm", Bias::single); }
  SUBCASE("GRU, reset after") { check_layer<Gru<double>>("keras_gru", Bias::dual); }
  SUBCASE("GRU, reset before") { check_layer<GruResetBefore<double>>("keras_gru_reset_before", Bias::single); }
}

TEST_CASE("a masked bidirectional layer computes what Keras's does, for every way to merge") {
  SUBCASE("SimpleRNN") { check_bidirectional<Rnn<double>>("keras_bidirectional_simple_rnn", Bias::single); }
  SUBCASE("LSTM") { check_bidirectional<Lstm<double>>("keras_bidirectional_lstm", Bias::single); }
  SUBCASE("GRU, reset after") { check_bidirectional<Gru<double>>("keras_bidirectional_gru", Bias::dual); }
  SUBCASE("GRU, reset before") {
    check_bidirectional<GruResetBefore<double>>("keras_bidirectional_gru_reset_before", Bias::single);
  }
}
