// A model and the state of one signal that runs through it.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstring>
#include <span>
#include <utility>

#include <unroll/core/denormals.hpp>
#include <unroll/stream/kernel/dispatch.hpp>
#include <unroll/stream/non_finite.hpp>
#include <unroll/stream/sequential.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

template <class T> UNROLL_INLINE bool is_finite(T value) {  // by bits: -ffast-math believes that all are
  using U = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr U exponent = sizeof(T) == 4 ? U{0x7f800000} : static_cast<U>(0x7ff0000000000000);
  return (__builtin_bit_cast(U, value) & exponent) != exponent;
}

/// The whole model for n steps, compiled for each level: one choice of level a call.
template <class Model> struct RunStream {
  using T = typename Model::Scalar;
  using Input = typename Model::Input;
  static constexpr Index in = Model::inputs, out = Model::template outputs<in>;

  template <class Isa>
  static UNROLL_INLINE void run(const Model* model, typename Model::State* state, const Input* x, T* y, Index n,
                                stream::NonFinite policy) {
    constexpr Index stride = detail::stride_for(out);
    alignas(64) T block[stride * stream_chunk];
    alignas(64) Input finite[in * stream_chunk];
    for (; n > 0; n -= stream_chunk, x += stream_chunk * in, y += stream_chunk * out) {
      const Index steps = (std::min)(n, stream_chunk);
      const Input* from = x;
      if constexpr (std::floating_point<Input>)
        if (policy == stream::NonFinite::replace) {
          for (Index k = 0; k < steps * in; ++k) finite[k] = is_finite(x[k]) ? x[k] : Input(0);
          from = finite;
        }
      model->template run<Isa, in>(*state, from, in, block, steps);
      for (Index t = 0; t < steps; ++t)
        for (Index k = 0; k < out; ++k) y[t * out + k] = block[t * stride + k];
    }
  }
};

}  // namespace detail
namespace stream {

/// One signal through `Model`, one object without heap. `Stream<M>` owns its weights; `Stream<const M&>` borrows
/// them, so that many signals share one set. Nothing here allocates, locks or throws while samples pass.
///
///   static stream::Stream<stream::Sequential<stream::Recurrent<Lstm<>, 1, 20>, stream::Dense<20, 1>>> amp;
///   amp.assign(trained);  amp.reset();
///   amp.process(block, block);                     // in the audio callback
template <class Model> class Stream {
  using M = std::remove_cvref_t<Model>;
  static constexpr bool borrows = std::is_reference_v<Model>;
  static constexpr bool keeps_weights = !borrows || std::is_const_v<std::remove_reference_t<Model>>;
  static_assert(keeps_weights, "unroll::stream::Stream: weights that streams share are const: Stream<const M&>.");
  static_assert(sizeof(M) > 0);  // what is wrong inside it is said first
  static constexpr bool is_layer = detail::can_stream<M>;
  static_assert(is_layer,
                "unroll::stream::Stream: this is no layer of stream/, which has a namesake for each that can be "
                "trained: Stream<stream::Recurrent<Lstm<>, 1, 20>>, and then assign(trained).");
  using Layer = detail::StreamLayer<M>;

 public:
  using Scalar = typename Layer::Scalar;
  using T = Scalar;
  using Input = typename Layer::Input;
  using State = typename Layer::State;
  static constexpr Index inputs = Layer::inputs, outputs = Layer::template outputs<Layer::inputs>;
  /// One value, or a view of `outputs` values that stays until the next step.
  using Output = std::conditional_t<outputs == 1, T, std::span<const T, static_cast<std::size_t>(outputs)>>;

  NonFinite non_finite = NonFinite::keep;

  constexpr Stream() requires(!borrows)
  = default;
  constexpr explicit Stream(Model of) requires(borrows)
      : model_(&of), state_(of.initial_state()) {}
  constexpr explicit Stream(M&&) requires(borrows)
  = delete;  // the weights would be gone
  constexpr explicit Stream(const M& of) requires(!borrows)
      : model_(of), state_(of.initial_state()) {}

  constexpr const M& model() const {
    if constexpr (borrows)
      return *model_;
    else
      return model_;
  }
  /// After a change of weights: `reset`.
  constexpr M& model() requires(!borrows)
  {
    return model_;
  }
  /// The weights of a trained model, and its initial state.
  template <class Trained>
  void assign(const Trained& trained) requires(!borrows)
  {
    model_.assign(trained);
    reset();
  }

  /// One step. Does not touch the floating-point mode: see FlushDenormals.
  Output step(Input x) noexcept requires(inputs == 1)
  {
    run(&x, last_.data(), 1);
    return output();
  }
  Output step(std::span<const Input, static_cast<std::size_t>(inputs)> x) noexcept requires(inputs > 1)
  {
    run(x.data(), last_.data(), 1);
    return output();
  }
  /// y.size() / outputs steps, as long as x lasts: x (inputs, n), y (outputs, n), sample after sample; y may be x where
  /// both have one shape. Denormal numbers count as zero meanwhile.
  void process(std::span<const Input> x, std::span<T> y) noexcept {
    const FlushDenormals flush;
    const Index n = (std::min)(static_cast<Index>(x.size()) / inputs, static_cast<Index>(y.size()) / outputs);
    run(x.data(), y.data(), n);
  }

  /// To the initial state, which is zeros unless the model has learned one. Recovers from NaN, too.
  constexpr void reset() noexcept { state_ = model().initial_state(); }
  /// n steps of silence, for models whose resting state is not their initial one.
  void prewarm(Index n) noexcept requires(std::floating_point<Input>)
  {
    const std::array<Input, static_cast<std::size_t>(inputs)> zero{};
    const FlushDenormals flush;
    for (Index k = 0; k < n; ++k) run(zero.data(), last_.data(), 1);
  }
  constexpr const State& snapshot() const noexcept { return state_; }
  constexpr void restore(const State& state) noexcept { state_ = state; }

 private:
  Output output() const noexcept {
    if constexpr (outputs == 1)
      return last_[0];
    else
      return Output(last_);
  }
  void run(const Input* x, T* y, Index n) noexcept {
    detail::dispatch_stream<detail::RunStream<M>>(&model(), &state_, x, y, n, non_finite);
  }

  std::conditional_t<borrows, const M*, M> model_{};
  State state_{};
  std::array<T, static_cast<std::size_t>(outputs)> last_{};
};

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
