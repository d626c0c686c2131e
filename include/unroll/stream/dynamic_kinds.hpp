// From a layer of a network to a layer of a stream, whatever its kind.
#pragma once

#include <memory>
#include <string>
#include <type_traits>

#include <unroll/cell/cell_kind.hpp>
#include <unroll/kind/layer_kind.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/stream/dynamic_function.hpp>
#include <unroll/stream/dynamic_layer.hpp>
#include <unroll/stream/network_data.hpp>

namespace unroll::inline UNROLL_ABI {

/// <unroll/network/library_kinds.hpp>
struct LibraryKinds;

namespace detail {

/// Of the library's kinds, which the compiled part has: null for any other.
UNROLL_API LayerPointer stream_of_library_kinds(const LayerData& layer, Index values);

template <class C> LayerPointer stream_of_kind(const RecurrentKind<C>*, const LayerData& w, Index D) {
  require(!w.flag("reverse"), "stream::AnyModel: a layer runs from the end of a sequence, which a stream has not seen");
  const Index H = w.tensor("weight_ih").rows() / RecurrentKind<C>::counts.GX, R = describe_layer(w).outputs;
  if constexpr (PointwiseCell<C>)
    return std::make_unique<DynamicRecurrent<C>>(data_of<C::S>(w), D, H);
  else if constexpr (InStages<C>)
    return std::make_unique<DynamicStaged<C>>(data_of<C::S>(w), D, H, R);
  else
    fail("stream::AnyModel: ", C::name, " is neither a PointwiseCell nor a StagedCell, and has no stream of any size");
}
inline LayerPointer stream_of_kind(const DenseKind*, const LayerData& w, Index D) {
  const Matrix<float>& weight = w.tensor("weight");
  return std::make_unique<DynamicDense>(span_of(weight), span_of(w.tensor("bias")), D, weight.rows());
}
/// Any other kind: a function of the values of a step, or a sentence.
template <class K> LayerPointer stream_of_kind(const K*, const LayerData& w, Index values) {
  constexpr bool says = FunctionOfStep<K> || requires { K::no_stream; };
  static_assert(says,
                "unroll::stream::AnyModel: a kind of layer says `apply`, what it does to the values of a step, or "
                "`no_stream`, a sentence that says why it has no stream.");
  if constexpr (FunctionOfStep<K>)
    return std::make_unique<DynamicFunction<K>>(w, values);
  else if constexpr (says)
    fail("stream::AnyModel: ", K::no_stream);
  else
    return nullptr;
}

/// Of the kinds in a list; null where it is of none of them. `values`: how many come in.
template <class List, class Whole> LayerPointer stream_of_kinds(const LayerData& layer, Index values) {
  LayerPointer made;
  any_kind<List, Whole>([&]<class K>() {
    if constexpr (std::is_same_v<K, Whole>)
      made = stream_of_library_kinds(layer, values);
    else if (is_kind<K>(layer))
      made = stream_of_kind(static_cast<const K*>(nullptr), layer, values);
    return made != nullptr;
  });
  return made;
}

template <class List> LayerPointer stream_layer(const LayerData& layer, Index values) {
  LayerPointer made = stream_of_kinds<List, LibraryKinds>(layer, values);
  require(made != nullptr, "stream::AnyModel: ", kind_name(layer), " is not in the list of kinds");
  return made;
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
