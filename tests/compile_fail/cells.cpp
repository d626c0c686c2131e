// Cells of one's own without a backward, with Derived and without, and equations that Derived cannot read.
// CASE 1: must say "write `backward`, or wrap the cell in Derived"
// CASE 2: must say "write `backward`, or wrap the cell in Derived"
// CASE 3: must say "it stands here as it was trained, in Derived"
// CASE 4: must say "it and what it calls must be constexpr"
// CASE 5: must say "it and what it calls must be constexpr"
// CASE 6: must say "functions are of values, not of numbers alone"
// CASE 7: must say "cube_root"
// CASE 8: must say "a single lane of a value has no derivative: write `backward`"
// CASE 9: must say "values have no truth: write select(condition, a, b)"
// CASE 10: must say "values have no truth: write select(condition, a, b)"
// CASE 11: must say "the compiler cannot run `forward(x, u, prev, next)`"
// CASE 12: must say "each gate g has one product U(g, v)"
// CASE 13: must say "each gate g has one product U(g, v)"
// CASE 14: must say "the compiler cannot run `forward(U, x, prev, next)`"
// CASE 15: must say "<unroll/stream/staged.hpp> is missing"
// CASE 16: must say "a norm is of inputs, of which each is in one"
// CASE 17: must say "a norm is of inputs, of which each is in one"
#include <unroll/cell/derived.hpp>
#include <unroll/stream/recurrent.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;

template <class V> V not_constexpr(const V& x) { return x; }

template <int kind> struct Equations : CellSize<float> {
  using CellSize<float>::CellSize;
  static constexpr int GX = 1, GU = 1, S = 1;
  static constexpr std::string_view name = "Equations";
  static constexpr void forward(const auto& x, const auto& u, const auto& prev, auto& next) {
    const auto a = x[0] + u[0];
    using V = std::remove_cvref_t<decltype(a)>;
    if constexpr (kind == 0) next[0] = tanh(a) + prev[0];
    if constexpr (kind == 5) next[0] = not_constexpr(a);
    if constexpr (kind == 6) next[0] = a * exp(V(-1));
    if constexpr (kind == 7) next[0] = cube_root(a);
    if constexpr (kind == 8) next[0] = a[0];
    if constexpr (kind == 9) {
      if (a > 0) next[0] = a;
    }
    if constexpr (kind == 10) next[0] = a ? a : prev[0];
  }
};
template <int kind> struct InStages : StagedCell<float> {
  using StagedCell<float>::StagedCell;
  static constexpr int GX = 1, GU = kind == 12 ? 2 : 1, S = 1, P = kind == 16 ? 1 : 0;
  static constexpr std::string_view name = "InStages";
  static constexpr void forward(const auto& p, const auto& U, const auto& x, const auto& prev, auto& next) {
    next[0] = x[0] + U(0, prev[0]) + normalize(p[0]);
  }
  static constexpr void forward(const auto& U, const auto& x, const auto& prev, auto& next) {
    if constexpr (kind == 17)
      next[0] = normalize(x[0]) + U(0, prev[0]) + normalize(std::array{x[0], prev[0]})[0];
    else if constexpr (kind == 13)
      next[0] = U(0, x[0]) + prev[0];
    else if constexpr (kind == 14)
      next[0] = not_constexpr(U(0, prev[0]));
    else
      next[0] = x[0] + U(0, prev[0]);
  }
};
struct AtRunTime : Equations<0> {
  using Equations<0>::Equations;
  static void forward(const auto& x, const auto& u, const auto&, auto& next) { next[0] = x[0] + u[0]; }
};

int main() {
#if CASE == 0
  const Recurrent of_derived{Derived{Equations<0>{3, 4}}};
  const Bidirectional both{Derived<Equations<0>>{3, 4}};
  [[maybe_unused]] const stream::Recurrent<Derived<Equations<0>>, 3, 4> stepping;
  const Recurrent of_stages{InStages<0>{3, 4}};
#elif CASE == 1
  const Recurrent bare{Equations<0>{3, 4}};
#elif CASE == 2
  const Bidirectional bare{Equations<0>{3, 4}};
#elif CASE == 3
  [[maybe_unused]] const stream::Recurrent<Equations<0>, 3, 4> stepping;
#elif CASE == 4
  const Recurrent layer{Derived<AtRunTime>{3, 4}};
#elif CASE >= 5 && CASE <= 10
  const Recurrent layer{Derived<Equations<CASE>>{3, 4}};
#elif (CASE >= 12 && CASE <= 14) || CASE >= 16
  const Recurrent layer{InStages<CASE>{3, 4}};
#elif CASE == 15
  [[maybe_unused]] const stream::Recurrent<InStages<0>, 3, 4> stepping;
#elif CASE == 11
  const Recurrent layer{Derived<Lstm<>>{3, 4}};
#endif
}
