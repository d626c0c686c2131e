// A model's layers described in JSON, without weights: what somebody writes who wants a model trained.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/layer/any_sequential.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/network/make_layer.hpp>

namespace unroll::inline UNROLL_ABI {

/// A layer to be made: `make_layer(kind, inputs, outputs, how)`, or, of kind "dropout", Dropout{rate}.
struct PlannedLayer {
  std::string kind;
  Index inputs = 0, outputs = 0;
  LayerOptions how{};
  double rate = 0;
};

/// A list of layers, `[{"type": "embedding", "inputs": 5000, "outputs": 64}, {"type": "bidirectional lstm", "outputs":
/// 128, "recurrent_dropout": 0.1}, {"type": "dropout", "rate": 0.3}, {"type": "dense", "outputs": 1}]`. `type` is a
/// kind of docs/kinds.md; `inputs`, of the first at least, are otherwise the outputs before, and `outputs` as many as
/// the inputs. Besides `bias` (true), `final_state` (false), `units` (of a projected LSTM), `input_dropout`,
/// `recurrent_dropout` and `weight_dropout`, and the kind's own options. Throws FormatError with `source`, the place,
/// what was got and expected.
UNROLL_API std::vector<PlannedLayer> read_plan(std::string_view json, const std::string& source = "plan");

/// The model of a description, its weights zero until `initialize`. Y and List as of `model_of`. Throws FormatError.
template <class Y = PackedSequence<float>, class List = LibraryKinds>
AnySequential<Y> model_of_plan(std::string_view json, const std::string& source = "plan") {
  using T = typename AnySequential<Y>::Scalar;
  AnySequential<Y> model;
  const std::vector<PlannedLayer> plan = read_plan(json, source);
  for (std::size_t k = 0; k < plan.size(); ++k) {
    const PlannedLayer& layer = plan[k];
    try {
      if (layer.kind == "dropout")
        model.add(Dropout<T>{layer.rate});
      else
        model.add(make_layer<List, T>(layer.kind, layer.inputs, layer.outputs, layer.how));
    } catch (const std::invalid_argument& error) {
      fail<FormatError>(source, ": [", k, "]: ", error.what());
    }
  }
  return model;
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/format/plan_json.ipp>
#endif
