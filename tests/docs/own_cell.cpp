// The cells of docs/own_cell.md: written, checked, trained, streamed.
// region includes
#include <iostream>

#include <unroll/stream/dense.hpp>
#include <unroll/stream/embedding.hpp>
#include <unroll/stream/recurrent.hpp>
#include <unroll/stream/stream.hpp>
#include <unroll/testing/check_gradient.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

// region cell
/// An LSTM whose input gate is what the forget gate leaves, i = 1 - f (Greff et al. 2017). Gates f g o.
template <class T = float> struct CoupledLstm : CellSize<T> {
  using CellSize<T>::CellSize;
  static constexpr int GX = 3, GU = 3, S = 2;  // gates fed by the input, by the state; states: h, c
  static constexpr int forget_gate = 0;        // gets the forget bias
  static constexpr std::string_view name = "CoupledLstm";

  static constexpr void forward(const auto& x, const auto& u, const auto& prev, auto& next) {
    const auto f = sigmoid(x[0] + u[0]), g = tanh(x[1] + u[1]), o = sigmoid(x[2] + u[2]);
    const auto c = g + f * (prev[1] - g);
    next = {o * tanh(c), c};
  }
};
// endregion

// region by-hand
template <class T = float> struct CoupledByHand : CoupledLstm<T> {
  using CoupledLstm<T>::CoupledLstm;
  static constexpr int C = 4;               // values that backward wants to see again
  static constexpr bool same_ports = true;  // only x + u occurs, so dx == du
  template <class V> using Gates = std::array<V, 3>;
  template <class V> using State = std::array<V, 2>;
  template <class V> using Cached = std::array<V, 4>;

  template <class V>
  static void forward(const Gates<V>& x, const Gates<V>& u, const State<V>& prev, State<V>& next, Cached<V>& cache) {
    const V f = sigmoid(x[0] + u[0]);
    const V g = tanh(x[1] + u[1]);
    const V o = sigmoid(x[2] + u[2]);
    const V c = g + f * (prev[1] - g);
    const V tanh_c = tanh(c);
    next = {o * tanh_c, c};
    cache = {f, g, o, tanh_c};
  }

  template <class V>
  static void backward(const State<V>& prev, const State<V>&, const Cached<V>& cache, const State<V>& d_next,
                       Gates<V>& dx, Gates<V>& du, State<V>& d_prev) {
    const auto [f, g, o, tanh_c] = cache;
    const V dh = d_next[0];
    const V dc = d_next[1] + dh * o * (1 - tanh_c * tanh_c);
    const V df = dc * (prev[1] - g), dg = dc * (1 - f), d_o = dh * tanh_c;
    dx = {df * f * (1 - f), dg * (1 - g * g), d_o * o * (1 - o)};
    du = dx;
    d_prev = {V(0), dc * f};
  }
};
// endregion

// region stages
/// An LSTM whose pre-activations and cell are brought to one mean and spread (Ba et al. 2016). Gates i f g o; p are a
/// gain of the input and one of the state for each gate, then a shift, then a gain and a shift of the cell.
template <class T = float> struct NormedLstm : StagedCell<T> {
  using StagedCell<T>::StagedCell;
  static constexpr int GX = 4, GU = 4, S = 2, P = 14;
  static constexpr Bias usual_bias = Bias::none;  // the shifts are biases
  static constexpr std::string_view name = "NormedLstm";
  static constexpr std::array<double, P> initial_parameter{1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0, 1, 0};

  static constexpr void forward(const auto& p, const auto& U, const auto& x, const auto& prev, auto& next) {
    const auto w = normalize(x);
    const auto u = normalize(std::array{U(0, prev[0]), U(1, prev[0]), U(2, prev[0]), U(3, prev[0])});
    const auto a = [&](std::size_t g) { return p[g] * w[g] + p[4 + g] * u[g] + p[8 + g]; };
    const auto c = sigmoid(a(1)) * prev[1] + sigmoid(a(0)) * tanh(a(2));
    next = {sigmoid(a(3)) * tanh(p[12] * normalize(c) + p[13]), c};
  }
};
// endregion

// region parts
template <class T> struct Decoder : CompositeCell<Decoder<T>, T> {
  AdditiveAttention<T> attend{8, 6, 5};  // queries of 8, a memory of 6, 5 units
  Dense<T> context{6, 3 * 8, {.bias = false}};
  Pointwise<Gru<T>> gru{Gru<T>{3, 8}};
  UNROLL_PARTS(attend, context, gru)

  auto operator()(StepWiring<T>& run, StepNode<T> a, StepMemory<T> memory) const {
    const auto c = run(attend, run.previous(gru), memory);
    return run(gru, a + run(context, c));
  }
};

template <class T> struct Copier : Composite<Copier<T>, T> {
  Recurrent<Gru<T>> encoder{Gru<T>{3, 6}};
  Recurrent<Decoder<T>> decoder{Decoder<T>{}};
  UNROLL_PARTS(encoder, decoder)

  auto operator()(Wiring& run, Node<PackedSequence<T>> source, Node<PackedSequence<T>> target) const {
    return run(decoder, target, run(encoder, source));
  }
};
// endregion

namespace {

void begin(const char* region) { std::cout << "// endregion\n// region " << region << '\n'; }

// region task
/// Sequences of 12 to 20 digits, and whether the first is odd.
TokenDataset first_is_odd(Index n, Rng rng) {
  std::vector<std::vector<std::int32_t>> sequences;
  std::vector<Index> labels;
  for (Index k = 0; k < n; ++k) {
    std::vector<std::int32_t> digits(12 + rng.below(9));
    for (auto& digit : digits) digit = static_cast<std::int32_t>(rng.below(10));
    labels.push_back(digits.front() % 2);
    sequences.push_back(digits);
  }
  return TokenDataset(sequences, labels);
}
// endregion

void check_parts() {
  begin("parts-check");
  // region parts-check
  Copier<double> copier;
  randomize(copier, Rng(2));
  const auto series = [](const std::vector<Index>& lengths) {
    PackedSequence<double> x;
    x.packing = Packing::from_lengths(lengths, 4);
    x.values = Eigen::MatrixXd::Random(3, x.packing.total());
    return x;
  };
  Inputs<PackedSequence<double>, PackedSequence<double>> batch{{series({4, 0, 2}), series({1, 3, 4})}};
  std::cout << "passed: " << check_gradient(copier, batch).passed() << '\n';
  // endregion
}

void check_by_hand(const PackedSequence<double>& x) {
  begin("by-hand-check");
  // region by-hand-check
  Recurrent by_hand{CoupledByHand<double>{3, 4}};
  randomize(by_hand, Rng(2));
  std::cout << "passed: " << check_gradient(by_hand, x).passed(1e-7) << '\n';
  // endregion
}

void check_stages(const PackedSequence<double>& x) {
  begin("stages-check");
  // region stages-check
  Recurrent normed{NormedLstm<double>{3, 4}};
  randomize(normed, Rng(2));
  std::cout << "passed: " << check_gradient(normed, x).passed(1e-6) << '\n';
  // endregion
}

}  // namespace

int main() {
  begin("check");
  // region check
  Recurrent layer{Derived<CoupledLstm<double>>{3, 4}};
  randomize(layer, Rng(2));
  const std::vector<Index> lengths{5, 1, 0, 3};
  PackedSequence<double> x{Matrix<double>(3, 9), Packing::from_lengths(lengths, 5)};
  x.values.setRandom();
  const GradientReport report = check_gradient(layer, x);
  std::cout << report.elements << " elements, " << (report.passed(1e-7) ? "all within 1e-7" : report.str()) << '\n';
  // endregion

  begin("train");
  // region train
  Sequential model{Embedding{10, 8}, FinalState{Recurrent{Derived<CoupledLstm<>>{8, 16}}}, Dense{16, 1}};
  initialize(model, Rng(1), {.forget_bias = 3});
  const auto training = first_is_odd(600, Rng(1)), unseen = first_is_odd(200, Rng(2));
  fit(model, BinaryCrossEntropy{}, Adam{.rate = 1e-2}, training, {.epochs = 8, .batch_size = 32, .clip_norm = 1});
  const double accuracy = evaluate(model, BinaryCrossEntropy{}, unseen).accuracy;
  std::cout << "accuracy on unseen sequences " << (accuracy > 0.95 ? "above" : "below") << " 0.95\n";
  // endregion

  begin("stream");
  // region stream
  using Live =
      stream::Sequential<stream::Embedding<8>, stream::Recurrent<Derived<CoupledLstm<>>, 8, 16>, stream::Dense<16, 1>>;
  stream::Stream<Live> live;
  live.assign(model);  // the embedding's table stays where it is, in `model`
  float worst = 0;
  for (Index k = 0; k < unseen.size(); ++k) {
    live.reset();
    float logit = 0;
    for (const std::int32_t digit : unseen[k]) logit = live.step(digit);  // an answer after every digit
    worst = std::max(worst, std::abs(logit - infer(model, unseen[k])(0, 0)));
  }
  std::cout << "the last answers of the stream are the batch's to within " << (worst < 1e-4f ? "1e-4" : "more") << '\n';
  // endregion

  check_by_hand(x);
  check_parts();
  check_stages(x);
}
