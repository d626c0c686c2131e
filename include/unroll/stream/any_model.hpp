// A model whose file decides what it is: for plug-ins that open anybody's.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/io/network.hpp>
#include <unroll/stream/dense.hpp>
#include <unroll/stream/dynamic_activation.hpp>
#include <unroll/stream/recurrent.hpp>
#include <unroll/stream/stream.hpp>

namespace unroll::inline UNROLL_ABI {
namespace stream {

/// The hidden sizes for which the compiler makes programs of their own: LSTM or GRU of one input, one dense output.
/// Every other network runs on layers of any size.
template <Index... H> struct CompiledUnits {};
using UsualUnits = CompiledUnits<8, 12, 16, 20, 24, 32, 40, 64>;

}  // namespace stream
namespace detail {

/// A whole model of fixed size in the place of a layer, for the instructions in use when it is made.
template <class Model> class CompiledModel final : public DynamicLayer {
 public:
  using State = typename Model::State;
  using Run = void (*)(const Model*, State*, const float*, float*, Index, stream::NonFinite);
  static Run function() {
    return stream_function<RunStream<Model>, const Model*, State*, const float*, float*, Index, stream::NonFinite>();
  }

  explicit CompiledModel(const Model& model)
      : DynamicLayer(Model::inputs, out, out), model_(model), state_(model.initial_state()), run_(function()) {}
  void run(const float* x, Index, float* y, Index n) noexcept override {
    run_(&model_, &state_, x, y, n, stream::NonFinite::keep);
  }
  void reset() noexcept override { state_ = model_.initial_state(); }
  std::span<std::byte> state() noexcept override { return std::as_writable_bytes(std::span(&state_, 1)); }

 private:
  static constexpr Index out = Model::template outputs<Model::inputs>;
  Model model_;
  State state_;
  Run run_;
};

template <int S> stream::RecurrentData<float, std::size_t(S)> data_of(const RecurrentLayer& w) {
  stream::RecurrentData<float, std::size_t(S)> data{
      span_of(w.weight_ih), span_of(w.weight_hh), span_of(w.bias_ih), span_of(w.bias_hh), {}};
  data.initial[0] = span_of(w.initial_h);
  if constexpr (S > 1) data.initial[1] = span_of(w.initial_c);
  return data;
}

using LayerPointer = std::unique_ptr<DynamicLayer>;

template <template <class> class C, Index... H>
LayerPointer compiled_model(const RecurrentLayer& w, const DenseLayer& head, stream::CompiledUnits<H...>) {
  LayerPointer made;
  [[maybe_unused]] const auto try_size = [&]<Index units>() {  // of no sizes
    using Cell = stream::Recurrent<C<float>, 1, units>;
    using Head = stream::Dense<units, 1>;
    using Model = stream::Sequential<Cell, Head>;
    if (w.units() != units || CompiledModel<Model>::function() == nullptr) return false;
    auto model = std::make_unique<Model>();
    model->template layer<0>().set(data_of<Cell::S>(w));
    model->template layer<1>().set(span_of(head.weight), span_of(head.bias));
    made = std::make_unique<CompiledModel<Model>>(*model);
    return true;
  };
  static_cast<void>((try_size.template operator()<H>() || ...));
  return made;
}
/// The first two layers as one, if it is one of those.
template <class Units> LayerPointer compiled_model(const Network& network, Units units) {
  if (network.layers.size() != 2) return nullptr;
  const auto* w = std::get_if<RecurrentLayer>(&network.layers[0]);
  const auto* head = std::get_if<DenseLayer>(&network.layers[1]);
  if (w == nullptr || head == nullptr || w->inputs() != 1 || head->weight.rows() != 1) return nullptr;
  if (w->cell == CellKind::lstm) return compiled_model<Lstm>(*w, *head, units);
  if (w->cell == CellKind::gru) return compiled_model<Gru>(*w, *head, units);
  return nullptr;
}

inline LayerPointer dynamic_layer(const RecurrentLayer& w, Index) {
  require(!w.reverse, "stream::AnyModel: a layer runs from the end of a sequence, which a stream has not seen");
  const Index D = w.inputs(), H = w.units();
  switch (w.cell) {
    case CellKind::lstm:
      return std::make_unique<DynamicRecurrent<Lstm<>>>(data_of<2>(w), D, H);
    case CellKind::gru:
      return std::make_unique<DynamicRecurrent<Gru<>>>(data_of<1>(w), D, H);
    case CellKind::rnn_tanh:
      return std::make_unique<DynamicRecurrent<Rnn<>>>(data_of<1>(w), D, H);
    case CellKind::rnn_relu:
      return std::make_unique<DynamicRecurrent<ReluRnn<>>>(data_of<1>(w), D, H);
    default:
      return std::make_unique<DynamicGruResetBefore>(data_of<1>(w), D, H);
  }
}
inline LayerPointer dynamic_layer(const DenseLayer& w, Index) {
  return std::make_unique<DynamicDense>(span_of(w.weight), span_of(w.bias), w.weight.cols(), w.weight.rows());
}
inline LayerPointer dynamic_layer(const ActivationLayer& w, Index values) {
  return std::make_unique<DynamicActivation>(static_cast<DynamicFunction>(w.function), values, w.alpha,
                                             span_of(w.slope));
}
inline LayerPointer dynamic_layer(const BidirectionalLayer&, Index) {
  fail("stream::AnyModel: a bidirectional layer cannot stream: it reads its sequence from the end, too");
}
inline LayerPointer dynamic_layer(const EmbeddingLayer&, Index) { fail("stream::AnyModel: an embedding comes first"); }

}  // namespace detail

namespace stream {

/// Any network that can stream, gains and skip included. Everything is allocated in the constructor; from then on
/// nothing here allocates, locks or throws. Not to be copied: hand it over by std::unique_ptr.
class AnyModel {
 public:
  NonFinite non_finite = NonFinite::keep;

  /// Throws std::invalid_argument where the network is not sound or reads its sequence from the end.
  explicit AnyModel(const Network& network) : AnyModel(network, UsualUnits()) {}
  /// With programs for other sizes, or for none: `CompiledUnits<>`. Each costs about a second of compile time.
  template <Index... H>
  AnyModel(const Network& network, CompiledUnits<H...> units)
      : skip_(network.skip),
        input_gain_(static_cast<float>(network.input_gain)),
        output_gain_(static_cast<float>(network.output_gain)) {
    validate(network);
    inputs_ = network.inputs();
    outputs_ = network.outputs();
    if (network.takes_tokens()) table_ = std::get<EmbeddingLayer>(network.layers.front()).weight;
    if (auto compiled = detail::compiled_model(network, units)) {
      is_compiled_ = true;
      layers_.push_back(std::move(compiled));
    } else {
      Index values = takes_tokens() ? table_.rows() : inputs_;
      for (std::size_t k = takes_tokens() ? 1 : 0; k < network.layers.size(); ++k) {
        layers_.push_back(
            std::visit([&](const auto& w) { return detail::dynamic_layer(w, values); }, network.layers[k]));
        values = layers_.back()->outputs;
      }
    }
    input_.resize(takes_tokens() ? table_.rows() : inputs_, chunk);
    buffers_.resize(layers_.size());
    for (std::size_t k = 0; k < layers_.size(); ++k) {
      buffers_[k].resize(layers_[k]->y_stride, chunk);
      buffers_[k].setZero();
    }
  }

  Index inputs() const noexcept { return inputs_; }
  Index outputs() const noexcept { return outputs_; }
  bool takes_tokens() const noexcept { return table_.size() > 0; }
  /// Is it one of the sizes that the compiler has made a program of its own for?
  bool is_compiled() const noexcept { return is_compiled_; }

  /// One step of a model of one input and one output. Any other gives 0, and its state stays.
  float step(float x) noexcept {
    if (inputs_ != 1 || outputs_ != 1 || takes_tokens()) return 0;
    float y = 0;
    run(&x, &y, 1);
    return y;
  }
  /// As many steps as x and y have room for: x (inputs, n), y (outputs, n), sample after sample; y may be x where both
  /// have one shape. Denormal numbers count as zero meanwhile. A model that takes token ids fills y with zeros.
  void process(std::span<const float> x, std::span<float> y) noexcept {
    if (takes_tokens()) return std::ranges::fill(y, 0.0F), void();
    const FlushDenormals flush;
    const Index n = (std::min)(static_cast<Index>(x.size()) / inputs_, static_cast<Index>(y.size()) / outputs_);
    run(x.data(), y.data(), n);
  }
  /// The same for token ids. An id outside the table counts as zeros. A model that takes numbers fills y with zeros.
  void process(std::span<const std::int32_t> ids, std::span<float> y) noexcept {
    if (!takes_tokens()) return std::ranges::fill(y, 0.0F), void();
    const FlushDenormals flush;
    const Index n = (std::min)(static_cast<Index>(ids.size()), static_cast<Index>(y.size()) / outputs_);
    for (Index t = 0; t < n; t += chunk) {
      const Index steps = (std::min)(chunk, n - t);
      for (Index k = 0; k < steps; ++k)
        if (const std::int32_t id = ids[static_cast<std::size_t>(t + k)]; id >= 0 && id < table_.cols())
          input_.col(k) = table_.col(id);
        else
          input_.col(k).setZero();
      run_layers(steps, y.data() + t * outputs_);
    }
  }

  /// To the initial state of the file. Recovers from NaN, too.
  void reset() noexcept {
    for (auto& layer : layers_) layer->reset();
  }
  /// n steps of silence.
  void prewarm(Index n) noexcept {
    if (takes_tokens()) return;
    const FlushDenormals flush;
    input_.setZero();
    for (; n > 0; n -= chunk) run_layers((std::min)(n, chunk), nullptr);
  }

  /// The state of all layers, to go back to. Allocates; to save into one that exists, `save`.
  using Snapshot = std::vector<std::byte>;
  Snapshot snapshot() const {
    Snapshot to(snapshot_size());
    save(to);
    return to;
  }
  /// `to` is a snapshot of this model. One of another size stays as it is: false.
  bool save(Snapshot& to) const noexcept {
    if (to.size() != snapshot_size()) return false;
    std::byte* at = to.data();
    for (const auto& layer : layers_)
      if (const auto state = layer->state(); !state.empty()) {
        std::memcpy(at, state.data(), state.size());
        at += state.size();
      }
    return true;
  }
  /// False, and the state stays, where `from` has another size than a snapshot of this model.
  bool restore(const Snapshot& from) noexcept {
    if (from.size() != snapshot_size()) return false;
    const std::byte* at = from.data();
    for (auto& layer : layers_)
      if (const auto state = layer->state(); !state.empty()) {
        std::memcpy(state.data(), at, state.size());
        at += state.size();
      }
    return true;
  }

 private:
  static constexpr Index chunk = 32;

  std::size_t snapshot_size() const noexcept {
    std::size_t bytes = 0;
    for (const auto& layer : layers_) bytes += layer->state().size();
    return bytes;
  }

  void run(const float* x, float* y, Index n) noexcept {
    for (; n > 0; n -= chunk, x += chunk * inputs_, y += chunk * outputs_) {
      const Index steps = (std::min)(n, chunk);
      for (Index k = 0; k < steps * inputs_; ++k)
        input_.data()[k] = non_finite == NonFinite::replace && !detail::is_finite(x[k]) ? 0 : input_gain_ * x[k];
      run_layers(steps, y);
    }
  }
  void run_layers(Index n, float* y) noexcept {
    const float* x = input_.data();
    Index stride = input_.rows();
    for (std::size_t k = 0; k < layers_.size(); ++k) {
      layers_[k]->run(x, stride, buffers_[k].data(), n);
      x = buffers_[k].data();
      stride = layers_[k]->y_stride;
    }
    if (y == nullptr) return;
    for (Index t = 0; t < n; ++t)
      for (Index k = 0; k < outputs_; ++k)
        y[t * outputs_ + k] = output_gain_ * (x[t * stride + k] + (skip_ ? input_.data()[t * inputs_ + k] : 0));
  }

  std::vector<detail::LayerPointer> layers_;
  std::vector<Matrix<float>> buffers_;  ///< what each layer gives
  Matrix<float> table_, input_;
  Index inputs_ = 0, outputs_ = 0;
  bool skip_, is_compiled_ = false;
  float input_gain_, output_gain_;
};

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
