// The layer of docs/own_layer.md: written, checked, used.
// region includes
#include <algorithm>
#include <cmath>
#include <iostream>

#include <unroll/testing/check_gradient.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

// region layer
/// y = g * (x - mean(x)) / sqrt(variance(x) + e) + b for each column x (D). Ba, Kiros and Hinton 2016; nn.LayerNorm.
template <class T = float> class Normalize {
 public:
  using Scalar = T;
  using State = Nothing;
  template <Vectors<T> In> using Output = In;  // a column for each step, or one for each sequence

  Parameter<T> gain, bias;  // g and b (D)

  template <Vectors<T> In> struct Cache {
    In y, dx;
    Matrix<T> normal, scale;  // (x - mean) / deviation (D, n), and 1 / deviation (1, n)
    bool want_dx = true;
    const In& output() const { return y; }
  };

  explicit Normalize(Index D) : gain(Matrix<T>::Ones(D, 1)), bias(Matrix<T>::Zero(D, 1)) {}

  template <Vectors<T> In> const In& forward(const Context&, const In& x, Cache<In>& c, Carry<State> = {}) const {
    check_columns("Normalize", x);
    require(values(x).rows() == gain.rows(), "Normalize: input has ", values(x).rows(), " features, expected ",
            gain.rows());
    shape_like(c.y, x, gain.rows());
    c.normal.resize(gain.rows(), values(x).cols());
    c.scale.resize(1, values(x).cols());
    for (Index n = 0; n < values(x).cols(); ++n) {
      auto normal = c.normal.col(n);
      normal = values(x).col(n).array() - values(x).col(n).mean();
      c.scale(0, n) = 1 / std::sqrt(normal.squaredNorm() / static_cast<T>(gain.rows()) + T(1e-5));
      normal *= c.scale(0, n);
      values(c.y).col(n) = normal.cwiseProduct(gain.col(0)) + bias.col(0);
    }
    return c.y;
  }

  /// With u = dy * g: dx = (u - mean(u) - normal * mean(u * normal)) / deviation.
  template <Vectors<T> In>
  const In& backward(const In& x, const In& dy, Cache<In>& c, Normalize& gradient, Carry<State> = {}) const {
    require(values(dy).cols() == c.scale.cols(), "Normalize: dy has ", values(dy).cols(), " columns, expected ",
            c.scale.cols());
    check_gradient_shapes("Normalize", *this, gradient);
    shape_like(c.dx, x, gain.rows());
    for (Index n = 0; n < values(x).cols(); ++n) {
      const auto d = values(dy).col(n).array(), normal = c.normal.col(n).array();
      if (gain.trainable) gradient.gain.array() += d * normal;
      if (bias.trainable) gradient.bias.array() += d;
      if (!c.want_dx) continue;
      const auto u = d * gain.col(0).array();
      values(c.dx).col(n) = c.scale(0, n) * (u - u.mean() - normal * (u * normal).mean());
    }
    return c.dx;
  }

  void initialize(Rng, const Scheme&) { gain.setOnes(), bias.setZero(); }
  std::string describe() const { return concat_text("Normalize ", gain.rows()); }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("gain", Kind::unit), self.gain...);
    f(at.leaf("bias", Kind::bias), self.bias...);
  }
};
// endregion

// region model
struct Deep : Composite<Deep> {
  Embedding<> embed{10, 16};
  std::vector<Recurrent<Gru<>>> layers{3, Recurrent{Gru{16, 16}}};
  std::vector<Normalize<>> norms{3, Normalize<>(16)};
  Dense<> head{16, 2};
  UNROLL_PARTS(embed, layers, norms, head)

  auto operator()(Wiring& run, Node<TokenBatch> x) const {
    auto h = run(embed, x);
    for (std::size_t k = 0; k < layers.size(); ++k) h = h + run(layers[k], run(norms[k], h));
    return run(head, mean_over_time(h));
  }
};
// endregion

namespace {
void begin(const char* region) { std::cout << "// endregion\n// region " << region << '\n'; }
}  // namespace

int main() {
  begin("check");
  // region check
  PackedSequence<double> x;
  x.packing = Packing::from_lengths(std::vector<Index>{3, 0, 5, 1}, 5);
  x.values = Eigen::MatrixXd::Random(6, x.packing.total());
  Sequential model{Normalize<double>(6), Recurrent{Lstm<double>{6, 4}}, Normalize<double>(4)};
  randomize(model, Rng(1));
  std::cout << "passed: " << check_gradient(model, x).passed() << '\n';
  // endregion

  begin("train");
  // region train
  std::vector<std::vector<std::int32_t>> sequences;  // is there a 7?
  std::vector<Index> labels;
  Rng rng(3);
  for (int k = 0; k < 400; ++k) {
    auto& ids = sequences.emplace_back(1 + k % 9);
    for (auto& id : ids) id = static_cast<std::int32_t>(rng.uniform(0, 9.99));
    labels.push_back(std::find(ids.begin(), ids.end(), 7) != ids.end() ? 1 : 0);
  }
  const TokenDataset data(sequences, labels);
  Deep deep;
  initialize(deep, Rng(1));
  fit(deep, CrossEntropy{}, Adam{.rate = 3e-3}, data, {.epochs = 8, .batch_size = 32});
  std::cout << "accuracy above 0.95: " << (evaluate(deep, CrossEntropy{}, data).accuracy > 0.95) << '\n';
  // endregion
}
