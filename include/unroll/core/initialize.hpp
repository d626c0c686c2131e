// How parameters start. Each layer applies a scheme to its own parameters: bounds depend on the role, a name is no
// role.
#pragma once

#include <cmath>
#include <optional>

#include <unroll/core/finite.hpp>
#include <unroll/core/parameter.hpp>
#include <unroll/core/random.hpp>

namespace unroll::inline UNROLL_ABI {

/// How a parameter is drawn.
class Initializer {
 public:
  enum How {
    zeros,
    uniform,         ///< U(-bound, bound), the bound given by the role, or by uniform_within
    normal,          ///< N(0, 1)
    glorot_uniform,  ///< U(-a, a), a = sqrt(6 / (fan in + fan out)): Glorot and Bengio 2010
    glorot_normal,   ///< N(0, 2 / (fan in + fan out)), not truncated
    orthogonal,      ///< orthonormal rows or columns: Saxe et al. 2014
  };
  constexpr Initializer(How of) : how(of) {}  // NOLINT: implicit
  /// U(-bound, bound), whatever the role.
  static constexpr Initializer uniform_within(double bound) {
    Initializer within(uniform);
    within.bound = bound;
    return within;
  }

  bool operator==(const Initializer&) const = default;

  How how;
  std::optional<double> bound{};  ///< of `uniform`; none: the role's
};

/// Which initializer serves which role. The default is Keras's: it trains recurrent layers well from the start.
struct Scheme {
  Initializer input = Initializer::glorot_uniform;  ///< W of a recurrent layer, as one (G H, D) matrix
  Initializer recurrent = Initializer::orthogonal;  ///< U of a recurrent layer, as one (G H, H) matrix
  Initializer dense = Initializer::glorot_uniform;  ///< weights of Dense
  Initializer embedding = Initializer::uniform;     ///< U(-0.05, 0.05) if uniform
  Initializer bias = Initializer::zeros;            ///< all biases
  double forget_bias = 1;  ///< added to an LSTM's input bias of f: Jozefowicz et al. 2015; Keras's unit_forget_bias

  static constexpr Scheme keras() { return {}; }
  /// nn.LSTM, nn.GRU, nn.RNN: everything U(-1/sqrt(H), 1/sqrt(H)); nn.Linear: the same with its inputs; nn.Embedding:
  /// N(0, 1); no forget bias.
  static constexpr Scheme pytorch() {
    return {Initializer::uniform, Initializer::uniform, Initializer::uniform,
            Initializer::normal,  Initializer::uniform, 0};
  }
  /// Everything U(-bound, bound), biases and embeddings too, no forget bias: language models, 0.1 for small ones and
  /// less for large ones (Zaremba et al. 2014).
  static constexpr Scheme uniform(double bound) {
    const Initializer within = Initializer::uniform_within(bound);
    return {within, within, within, within, within, 0};
  }
};

/// The role of a parameter, in numbers: `bound` is the half-width of Initializer::uniform.
struct Fan {
  Index in = 1, out = 1;
  double bound = 1;
};

namespace detail {
/// Columns of the taller orientation made orthonormal by Gram-Schmidt, each twice ("twice is enough").
UNROLL_API Matrix<double> orthogonal(Index rows, Index cols, Rng rng);
}  // namespace detail

/// Draws p anew. Throws where the role is none: nothing in and out for Glorot's, a bound that is negative or not
/// finite.
template <class T> UNROLL_API void fill(Matrix<T>& p, Initializer how, Fan fan, Rng rng);

/// Fills every parameter of a model: the same seed, the same bits.
template <class M> requires requires(M& m, Rng rng, Scheme scheme) { m.initialize(rng, scheme); }
void initialize(M& model, Rng rng, Scheme scheme = {}) {
  model.initialize(rng, scheme);
}

template <class T> void fill(Matrix<T>& p, Initializer how, Fan fan, Rng rng) {
  const double bound = how.bound.value_or(fan.bound);
  if (how.how == Initializer::uniform)
    require(bound >= 0 && detail::has_finite_bits(bound), "fill: bound ", bound,
            ", expected a finite number of at least 0");
  if (how.how == Initializer::glorot_uniform || how.how == Initializer::glorot_normal)
    require(fan.in >= 0 && fan.out >= 0 && (fan.in > 0 || fan.out > 0), "fill: fan in ", fan.in, " and out ", fan.out,
            ", expected at least 0 and not both 0");
  const auto draw = [&](auto number) {
    for (Index j = 0; j < p.cols(); ++j)
      for (Index i = 0; i < p.rows(); ++i) p(i, j) = static_cast<T>(number());
  };
  const double fans = static_cast<double>(fan.in) + static_cast<double>(fan.out);
  switch (how.how) {
    case Initializer::zeros:
      p.setZero();
      break;
    case Initializer::uniform:
      draw([&] { return rng.uniform(-bound, bound); });
      break;
    case Initializer::normal:
      draw([&] { return rng.normal(); });
      break;
    case Initializer::glorot_uniform:
      draw([&, a = std::sqrt(6 / fans)] { return rng.uniform(-a, a); });
      break;
    case Initializer::glorot_normal:
      draw([&, s = std::sqrt(2 / fans)] { return s * rng.normal(); });
      break;
    case Initializer::orthogonal:
      p = detail::orthogonal(p.rows(), p.cols(), rng).template cast<T>();
      break;
  }
}

#define UNROLL_INITIALIZE_INSTANCES(DECLARE)                       \
  DECLARE void fill<float>(Matrix<float>&, Initializer, Fan, Rng); \
  DECLARE void fill<double>(Matrix<double>&, Initializer, Fan, Rng);
#if !UNROLL_HEADER_ONLY
UNROLL_INITIALIZE_INSTANCES(extern template)
#endif

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/core/initialize.ipp>
#endif
