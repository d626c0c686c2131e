// Linear above zero, bounded below.
#pragma once

#include <cmath>
#include <limits>
#include <string_view>

#include <unroll/kernel/functions.hpp>
#include <unroll/kind/layer_kind.hpp>
#include <unroll/kind/sample_weights.hpp>
#include <unroll/layer/activation.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

template <class T> class Elu;

UNROLL_KERNEL_BEGIN
/// An ELU in files.
struct EluKind {
  template <class T> using Layer = Elu<T>;
  static constexpr std::string_view name = "elu", type = "Elu", header = "layer/elu.hpp";
  static constexpr bool takes_any = true;

  static void describe(Description& layer) {
    constexpr auto most = static_cast<double>((std::numeric_limits<float>::max)());
    detail::describe_any_width(layer);
    layer.number("alpha", 1, -most, most, Need::required);
  }
  static LayerData sized(Index, Index) { return {&layer_kind<EluKind>}; }
  template <class T> static Layer<T> make(const LayerData& of) { return Layer<T>(of.number("alpha", 1)); }
  static void take_options(const auto& trained, LayerData& to) { to.set_number("alpha", trained.alpha); }
  static Matrix<double> run(const LayerData& layer, const Matrix<double>& x) {
    Matrix<double> y = x;
    for (Index k = 0; k < y.size(); ++k)
      if (y.data()[k] <= 0) y.data()[k] = layer.number("alpha", 1) * std::expm1(y.data()[k]);
    return y;
  }
  /// One step of n values, over a value type.
  template <class V, class T>
  static UNROLL_INLINE void apply(const SampleWeights<T, 0, 1>& w, const T* x, T* y, Index n) {
    for (Index k = 0; k < n; k += V::width) value(V::load(x + k), V(w.numbers[0])).store(y + k);
  }
  template <class V> static UNROLL_INLINE V value(const V& x, const V& alpha) {
    return select(x > V(0), x, alpha * (exp(x) - V(1)));
  }
};
UNROLL_KERNEL_END

/// y = x > 0 ? x : alpha (e^x - 1), element by element. Clevert, Unterthiner and Hochreiter 2015; nn.ELU.
/// Backward: dx = dy * (x > 0 ? 1 : y + alpha).
template <class T = float> class Elu {
 public:
  using Scalar = T;
  using State = Nothing;
  using KindInFiles = EluKind;
  template <Vectors<T> In> using Output = In;
  template <Vectors<T> In> using Cache = OutputCache<In>;

  double alpha;

  explicit Elu(double of = 1) : alpha(of) {
    require(detail::has_finite_bits(alpha), "Elu: alpha ", alpha, ", expected a finite number");
  }

  template <Vectors<T> In> const In& forward(const Context&, const In& x, Cache<In>& c, Carry<State> = {}) const {
    check_columns("Elu", x);
    shape_like(c.y, x, values(x).rows());
    const Value<T> a(static_cast<T>(alpha));
    for (Index k = 0; k < values(x).size(); ++k)
      EluKind::value(Value<T>(values(x).data()[k]), a).store(values(c.y).data() + k);
    return c.y;
  }
  template <Vectors<T> In> const In& backward(const In& x, const In& dy, Cache<In>& c, Elu&, Carry<State> = {}) const {
    detail::require_forward("Elu", x, c.y);
    detail::require_features("Elu", values(x), values(c.y).rows());
    detail::require_gradient("Elu", dy, c.y);
    shape_like(c.dx, x, values(x).rows());
    for (Index k = 0; k < values(x).size(); ++k)
      values(c.dx).data()[k] =
          values(dy).data()[k] * (values(x).data()[k] > 0 ? T(1) : values(c.y).data()[k] + static_cast<T>(alpha));
    return c.dx;
  }
  void initialize(Rng, const Scheme&) {}
  std::string describe() const { return concat_text("Elu ", alpha); }
  template <class F, class... Self> static void visit(F&&, const Path&, Self&...) {}
};

}  // namespace unroll::inline UNROLL_ABI
