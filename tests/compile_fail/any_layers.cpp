// What no AnyLayer can hold, and no AnySequential give: each is refused with a sentence.
// CASE 1: must say "has another scalar than the AnyLayer"
// CASE 2: must say "a cell here is no layer"
// CASE 3: must say "its argument is what it gives"
// CASE 4: must say "has options (UNROLL_OPTIONS), which files would lack"
// CASE 5: must say "takes neither a TokenBatch nor a PackedSequence or Matrix"
// CASE 6: must say "gives something else than a PackedSequence or a Matrix"
#include <unroll/unroll.hpp>
using namespace unroll;

struct How {
  bool twice = false;
  UNROLL_OPTIONS(twice)
};
struct WithOptions : Composite<WithOptions> {
  Dense<> layer{3, 4};
  How how;
  UNROLL_PARTS(layer, how)
  auto operator()(Wiring& run, Node<PackedSequence<>> x) const { return run(layer, x); }
};
template <class Takes, class Gives> struct UserLayer {
  using Scalar = float;
  using State = Nothing;
  template <std::same_as<Takes> In> using Output = Gives;
  template <std::same_as<Takes> In> using Cache = OutputCache<Gives>;
  template <class In> const Gives& forward(const Context&, const In&, Cache<In>& c, Carry<State> = {}) const {
    return c.y;
  }
  template <class In> const In& backward(const In& x, const Gives&, Cache<In>&, UserLayer&, Carry<State> = {}) const {
    return x;
  }
  void initialize(Rng, const Scheme&) {}
  std::string describe() const { return "user's"; }
  template <class F, class... Self> static void visit(F&&, const Path&, Self&...) {}
};

int main() {
  AnySequential<> model;
  model.add(Dense{3, 4}).add(UserLayer<Matrix<>, Matrix<>>());
#if CASE == 1
  model.add(Dense<double>{4, 4});
#elif CASE == 2
  model.add(Lstm{4, 4});
#elif CASE == 3
  AnySequential<float> other;
#elif CASE == 4
  model.add(WithOptions{});
#elif CASE == 5
  model.add(UserLayer<Matrix<int>, Matrix<>>());
#elif CASE == 6
  model.add(UserLayer<Matrix<>, Matrix<double>>());
#endif
}
