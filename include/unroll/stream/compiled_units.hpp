// Programs of their own for models of known sizes, for AnyModel.
#pragma once

#include <memory>
#include <utility>

#include <unroll/cell/cell_kind.hpp>
#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/network/network.hpp>
#include <unroll/stream/any_layer.hpp>
#include <unroll/stream/dense.hpp>
#include <unroll/stream/network_data.hpp>
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

template <template <class> class C, Index... H>
LayerPointer compiled_model(const LayerData& w, const LayerData& head, stream::CompiledUnits<H...>) {
  LayerPointer made;
  [[maybe_unused]] const auto try_size = [&]<Index units>() {  // of no sizes
    using Cell = stream::Recurrent<C<float>, 1, units>;
    using Head = stream::Dense<units, 1>;
    using Model = stream::Sequential<Cell, Head>;
    if (w.tensor("weight_hh").cols() != units || CompiledModel<Model>::function() == nullptr) return false;
    auto model = std::make_unique<Model>();
    model->template layer<0>().set(data_of<Cell::S>(w));
    model->template layer<1>().set(span_of(head.tensor("weight")), span_of(head.tensor("bias")));
    made = std::make_unique<CompiledModel<Model>>(*model);
    return true;
  };
  static_cast<void>((try_size.template operator()<H>() || ...));
  return made;
}
/// The first two layers as one, if it is one of those.
template <Index... H> LayerPointer compiled_model(const Network& network, stream::CompiledUnits<H...> units) {
  if (network.layers.size() != 2) return nullptr;
  const LayerData &w = network.layers[0], &head = network.layers[1];
  if (!is_kind<DenseKind>(head) || network.inputs() != 1 || network.outputs() != 1) return nullptr;
  if (is_kind<RecurrentKind<Lstm<>>>(w)) return compiled_model<Lstm>(w, head, units);
  if (is_kind<RecurrentKind<Gru<>>>(w)) return compiled_model<Gru>(w, head, units);
  return nullptr;
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
