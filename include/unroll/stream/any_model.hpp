// A model whose file, or whose value, decides what it is: for plug-ins that open anybody's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <unroll/network/graph.hpp>
#include <unroll/network/network.hpp>
#include <unroll/stream/any_layer.hpp>
#include <unroll/stream/non_finite.hpp>

namespace unroll::inline UNROLL_ABI {
namespace stream {

template <Index... H> struct CompiledUnits;

}  // namespace stream
namespace detail {

// What makes the layers is only named here, and stands in the header that whoever names sizes or kinds includes.

/// All of a network as one layer, or null if it is of no size in the list: stream/compiled_units.hpp.
template <Index... H> LayerPointer compiled_model(const Network& network, stream::CompiledUnits<H...>);
/// A layer of any size, for so many values that come in: stream/dynamic_kinds.hpp.
template <class List> LayerPointer stream_layer(const LayerData& layer, Index values);

}  // namespace detail

namespace stream {

/// Any network that can stream, gains and skip included. Everything is allocated in the constructor; from then on
/// nothing here allocates, locks or throws. Not to be copied: hand it over by std::unique_ptr.
class AnyModel {
 public:
  NonFinite non_finite = NonFinite::keep;

  /// Throws std::invalid_argument where the network is not sound or reads its sequence from the end.
  UNROLL_API explicit AnyModel(const Network& network);
  /// With programs for other sizes, or for none: `CompiledUnits<>`. Each costs about a second of compile time. Needs
  /// <unroll/stream/compiled_units.hpp>, which this header brings where there is no compiled part.
  template <Index... H>
  AnyModel(const Network& network, CompiledUnits<H...>)
      : AnyModel(network, [](const Network& of) { return detail::compiled_model(of, CompiledUnits<H...>()); }) {}

  /// A network of other kinds of layers: `AnyModel(network, Kinds<LibraryKinds, MyKind>())`. Needs
  /// <unroll/network/library_kinds.hpp> and <unroll/stream/dynamic_kinds.hpp>.
  template <class... K>
  AnyModel(const Network& network, Kinds<K...>)
      : AnyModel(network, [](const Network&) { return detail::LayerPointer(); }, &detail::stream_layer<Kinds<K...>>) {}

  /// A composite: `AnyModel(graph_of(model))` (<unroll/network/graph_of.hpp>), which says what it gives.
  UNROLL_API explicit AnyModel(const Graph& graph);
  template <class... K>
  AnyModel(const Graph& graph, Kinds<K...>) : AnyModel(graph, &detail::stream_layer<Kinds<K...>>) {}

  Index inputs() const noexcept { return inputs_; }
  Index outputs() const noexcept { return outputs_; }
  bool takes_tokens() const noexcept { return !tables_.empty(); }
  /// Is it one of the sizes that the compiler has made a program of its own for?
  bool is_compiled() const noexcept { return is_compiled_; }

  /// One step of a model of one input and one output. Any other gives 0, and its state stays.
  UNROLL_API float step(float x) noexcept;
  /// As many steps as x and y have room for: x (inputs, n), y (outputs, n), sample after sample; y may be x where both
  /// have one shape. Denormal numbers count as zero meanwhile. A model that takes token ids fills y with zeros.
  UNROLL_API void process(std::span<const float> x, std::span<float> y) noexcept;
  /// The same for token ids. An id outside the table counts as zeros. A model that takes numbers fills y with zeros.
  UNROLL_API void process(std::span<const std::int32_t> ids, std::span<float> y) noexcept;

  /// To the initial state of the file. Recovers from NaN, too.
  UNROLL_API void reset() noexcept;
  /// n steps of silence.
  UNROLL_API void prewarm(Index n) noexcept;

  /// The state of all layers, to go back to. Allocates; to save into one that exists, `save`.
  using Snapshot = std::vector<std::byte>;
  UNROLL_API Snapshot snapshot() const;
  /// `to` is a snapshot of this model. One of another size stays as it is: false.
  UNROLL_API bool save(Snapshot& to) const noexcept;
  /// False, and the state stays, where `from` has another size than a snapshot of this model.
  UNROLL_API bool restore(const Snapshot& from) noexcept;

 private:
  using MakeCompiled = detail::LayerPointer (*)(const Network&);
  using MakeLayer = detail::LayerPointer (*)(const LayerData& layer, Index values);
  UNROLL_API AnyModel(const Network& network, MakeCompiled make_compiled);
  UNROLL_API AnyModel(const Network& network, MakeCompiled make_compiled, MakeLayer make_layer);
  UNROLL_API AnyModel(const Graph& graph, MakeLayer make_layer);

  /// n steps from x to y.
  void run(const float* x, float* y, Index n) noexcept;
  /// At most `chunk` steps whose input is in the buffers; y may be null.
  void run_layers(Index n, float* y) noexcept;
  std::size_t snapshot_size() const noexcept;
  /// Columns that layers read and write: the input, or what the tables have for a token; then what each layer gives.
  std::size_t add_buffer(Index rows);
  /// A layer that reads these buffers; gives the number of its own.
  std::size_t add_layer(detail::LayerPointer layer, std::vector<std::size_t> reads);

  static constexpr Index chunk = 32;  ///< steps that a layer runs before the next layer does

  std::vector<detail::LayerPointer> layers_;
  std::vector<std::vector<std::size_t>> reads_;  ///< of each layer: numbers of buffers, two at most
  std::vector<Matrix<float>> tables_;            ///< (D, V) of each embedding of a model of token ids; none is a layer
  std::vector<Matrix<float>> buffers_;  ///< (values, chunk): the input, or one for each table; then one for each layer
  Index inputs_ = 0, outputs_ = 0;
  bool skip_ = false, is_compiled_ = false;
  float input_gain_ = 1, output_gain_ = 1;
};

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/stream/any_model.ipp>
#endif
