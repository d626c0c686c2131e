// Stacks that lose the packing, cells that are none, inputs that do not fit: each is refused with a sentence.
// CASE 1: must say "a layer cannot take what the layer before it gives"
// CASE 2: must say "a Matrix has no lengths"
// CASE 3: must say "A recurrent layer needs a PackedSequence"
// CASE 4: must say "write `backward`, or wrap the cell in Derived"
// CASE 5: must say "neither a PointwiseCell"
// CASE 6: must say "no matching"
// CASE 7: must say "all layers have one scalar type"
// CASE 8: must say "branch"
// CASE 9: must say "differences need double"
// CASE 10: must say "does not name its Scalar"
// CASE 11: must say "does not name its State"
// CASE 12: must say "has no `static void visit(f, const Path&, self...)`"
// CASE 13: must say "has no `void initialize(Rng, const Scheme&)`"
// CASE 14: must say "has no `std::string describe() const`"
// CASE 15: must say "the Cache of a layer here has no `const Output<In>& output() const`"
// CASE 16: must say "has no `const Output<In>& forward("
// CASE 17: must say "has no `backward("
// CASE 18: must say "has no Cache<In>"
// CASE 19: must say "a batch here is no Matrix and has no member `packing`"
// CASE 20: must say "it wraps a recurrent layer, a Bidirectional or a Stack"
// CASE 21: must say "cannot be copied"
// CASE 22: must say "no matching"
#include <memory>

#include <unroll/testing/check_gradient.hpp>
#include <unroll/unroll.hpp>
using namespace unroll;

template <class M, class In> void use(const M& model, const In& x) {
  CacheFor<M, In> cache;
  model.forward({}, x, cache);
}

template <int kind> struct UserCell : CellSize<double> {
  using CellSize<double>::CellSize;
  static constexpr int GX = 1, GU = 1, S = 1, C = 0;
  static constexpr std::string_view name = "UserCell";
  template <class V> using One = std::array<V, 1>;
  template <class V>
  static void forward(const One<V>& x, const One<V>& u, const One<V>&, One<V>& next, std::array<V, 0>&) {
    if constexpr (kind == 8) {
      if (x[0] > u[0]) next[0] = x[0];
    } else {
      next[0] = tanh(x[0] + u[0]);
    }
  }
  template <class V> requires(kind != 4)
  static void backward(const One<V>&, const One<V>& next, const std::array<V, 0>&, const One<V>& d, One<V>& dx,
                       One<V>& du, One<V>& d_prev) {
    dx[0] = du[0] = d[0] * (1 - next[0] * next[0]);
    d_prev[0] = V(0);
  }
};
struct NotACell {
  static constexpr int GX = 1;
};

// A layer of one's own that lacks one thing.
template <int lacks> struct Names {
  using Scalar = float;
  using State = Nothing;
};
template <> struct Names<10> {
  using State = Nothing;
};
template <> struct Names<11> {
  using Scalar = float;
};
struct NoPacking {
  Matrix<float> values;
};
template <class X, int lacks>
concept UserBatch = (lacks == 19 ? std::same_as<X, NoPacking> : std::same_as<X, Matrix<float>>);
template <class In, int lacks> struct UserCache {
  In y, dx;
  const In& output() const requires(lacks != 15)
  {
    return y;
  }
};
template <int lacks> struct UserLayer : Names<lacks> {
  template <UserBatch<lacks> In> using Output = In;
  template <class In> requires(lacks != 18)
  using Cache = UserCache<In, lacks>;
  [[no_unique_address]] std::conditional_t<lacks == 21, std::unique_ptr<int>, Nothing> owned;

  template <class In> requires(lacks != 16)
  const In& forward(const Context&, const In& x, UserCache<In, lacks>& c, Carry<Nothing> = {}) const {
    return c.y = x;
  }
  template <class In> requires(lacks != 17)
  const In& backward(const In&, const In& dy, UserCache<In, lacks>& c, UserLayer&, Carry<Nothing> = {}) const {
    return c.dx = dy;
  }
  void initialize(Rng, const Scheme&) requires(lacks != 13)
  {}
  std::string describe() const requires(lacks != 14)
  {
    return "UserLayer";
  }
  template <class F, class... Self> requires(lacks != 12)
  static void visit(F&&, const Path&, Self&...) {}
};

int main() {
#if CASE == 0
  static_assert(Layer<UserLayer<0>, Matrix<float>> && Layer<Dense<>, PackedSequence<>> && !Layer<Dense<>, TokenBatch>);
  use(Sequential{Dense{3, 4}, UserLayer<0>{}, Dense{4, 2}}, Matrix<float>{});
  use(Sequential{Dense{3, 4}, Recurrent{Lstm{4, 5}}, Dense{5, 2}}, PackedSequence<>{});
  use(Sequential{Embedding{9, 3}, FinalState{Recurrent{Lstm{3, 5}}}, Dense{5, 2}}, TokenBatch{});
  use(Recurrent{UserCell<0>{3, 4}}, PackedSequence<double>{});
#elif CASE == 1
  const Sequential model{Embedding{9, 3}, FinalState{Recurrent{Lstm{3, 5}}}, Recurrent{Lstm{5, 5}}};
#elif CASE == 2
  use(Recurrent{Lstm{3, 5}}, Matrix<float>{});
#elif CASE == 3
  use(Sequential{Recurrent{Lstm{4, 5}}, Dense{5, 2}}, TokenBatch{});
#elif CASE == 4
  const Recurrent layer{UserCell<4>{3, 4}};
#elif CASE == 5
  const Recurrent<NotACell> layer{NotACell{}};
#elif CASE == 6
  const Sequential model{Dense{4, 2}};
  CacheFor<decltype(model), Matrix<float>> cache;
  Sequential gradient{Dense{4, 2}, Dense{2, 2}};
  model.backward(Matrix<float>{}, Matrix<float>{}, cache, gradient);
#elif CASE == 7
  const Sequential model{Dense<float>{4, 2}, Dense<double>{2, 2}};
#elif CASE == 8
  use(Recurrent{UserCell<8>{3, 4}}, PackedSequence<double>{});
#elif CASE == 9
  check_gradient(Recurrent{Lstm{3, 5}}, PackedSequence<>{});
#elif CASE == 19
  static_assert(detail::assert_layer<UserLayer<19>, NoPacking>());
#elif CASE == 20
  const FinalState layer{Dense{3, 4}};
#elif CASE == 22
  const ProjectedLstm<> cell{3, 5, 2, Bias::none};
#elif CASE >= 10
  const auto forward = [](const Sequential<Dense<>, UserLayer<CASE>>& model) { return sizeof(model); };
#endif
}
