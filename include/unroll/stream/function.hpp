// A layer without a state in a stream of fixed size: what its kind does to the values of one step.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>

#include <unroll/core/parameter.hpp>
#include <unroll/kind/layer_kind.hpp>
#include <unroll/kind/sample_weights.hpp>
#include <unroll/stream/kernel/function.hpp>
#include <unroll/stream/layer.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// A trained layer whose kind has `apply`.
template <class L> inline constexpr bool is_function_of_step = false;
template <class L> requires has_kind<L>
inline constexpr bool is_function_of_step<L> = FunctionOfStep<typename L::KindInFiles>;

/// In the place of what is none, so that nothing more is said about it.
struct NoFunction {
  using Scalar = float;
  struct KindInFiles {
    static constexpr std::string_view name = "nothing";
    template <class V, class T> static void apply(const SampleWeights<T>&, const T*, T*, Index) {}
  };
};

}  // namespace detail
namespace stream {

/// `Function<LayerNorm<>, 20>`: what a trained layer without a state does to D values, as its kind's `apply` says it.
template <class Trained, Index D> class Function {
  static constexpr bool is_function = detail::is_function_of_step<Trained>;
  static_assert(is_function,
                "unroll::stream::Function: this is no trained layer whose kind has `apply`, as LayerNorm's has.");
  static_assert(D > 0, "unroll::stream::Function: sizes are at least 1");
  using Layer = std::conditional_t<is_function, Trained, detail::NoFunction>;
  using Kind = typename Layer::KindInFiles;
  using Shape = detail::FixedShape<D, D>;
  static constexpr Index stride = detail::stride_for(D);

 public:
  using Scalar = typename Layer::Scalar;
  using T = Scalar;
  using Input = T;
  using State = Empty;
  static constexpr Index inputs = D;
  template <Index> static constexpr Index outputs = D;
  using Weights = detail::FunctionWeights<Kind, T>;
  using Tensors = std::array<std::span<const T>, Weights::tensor_count>;
  using Numbers = std::array<T, Weights::number_count>;

  constexpr Function() = default;
  /// Tensors of D values or absent, and numbers, as the kind describes them one after the other.
  constexpr Function(const Tensors& tensors, const Numbers& numbers) { set(tensors, numbers); }
  constexpr void set(const Tensors& tensors, const Numbers& numbers) {
    for (std::size_t k = 0; k < tensors.size(); ++k)
      if (!tensors[k].empty() && static_cast<Index>(tensors[k].size()) != D)
        fail("stream::Function: tensor ", k, " of ", Kind::name, " has ", tensors[k].size(), " elements, expected ", D);
    for (std::size_t k = 0; k < tensors.size(); ++k)
      for (std::size_t i = 0; i < std::size_t(D); ++i) tensors_[k][i] = tensors[k].empty() ? T(0) : tensors[k][i];
    numbers_ = numbers;
  }
  /// From a trained layer of the same kind.
  template <class From> void assign(const From& layer) {
    constexpr bool same_kind = [] {
      if constexpr (detail::is_function_of_step<From>)
        return std::is_same_v<typename From::KindInFiles, Kind> && std::is_same_v<typename From::Scalar, T>;
      else
        return false;
    }();
    static_assert(same_kind,
                  "unroll::stream::Function: the trained layer in its place has another kind or another scalar type.");
    if constexpr (same_kind) {
      Tensors tensors{};
      std::size_t k = 0;
      From::visit(
          [&](const Path&, const auto& tensor) {
            if (k < tensors.size()) tensors[k] = detail::span_of(tensor);
            ++k;
          },
          Path(), layer);
      require(k == tensors.size(), "stream::Function: the trained layer has ", k, " parameters, `apply` of ",
              Kind::name, " has ", tensors.size());
      LayerData options{&layer_kind<Kind>};
      if constexpr (requires { Kind::take_options(layer, options); }) Kind::take_options(layer, options);
      set(tensors, detail::numbers_of<T, Weights::number_count>(options));
    }
  }

  constexpr State initial_state() const { return {}; }
  template <class Isa, Index> UNROLL_INLINE void run(State&, const T* x, Index x_stride, T* y, Index n) const {
    using Steps = detail::StreamFunction<Kind, T, Shape>;
    Weights weights{{}, numbers_};
    for (std::size_t k = 0; k < Weights::tensor_count; ++k) weights.tensors[k] = tensors_[k].data();
    if (x_stride >= stride) return Steps::template run<Isa>(Shape{}, weights, x, x_stride, y, stride, n);
    alignas(64) T padded[static_cast<std::size_t>(stride)]{};  // what comes from outside is not
    for (Index t = 0; t < n; ++t, x += x_stride, y += stride) {
      std::copy_n(x, D, padded);
      Steps::template run<Isa>(Shape{}, weights, padded, stride, y, stride, 1);
    }
  }

 private:
  std::array<std::array<T, std::size_t(stride)>, Weights::tensor_count> tensors_{};
  Numbers numbers_{};
};

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
