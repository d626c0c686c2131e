// Bodies of layer/bidirectional.hpp.
#pragma once

#include <string_view>
#include <vector>

#include <unroll/cell/lstm.hpp>
#include <unroll/layer/bidirectional.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void BidirectionalKind::describe(Description& layer) {
  layer.is_recurrent = true;
  layer.part("ahead");
  layer.part("back");
  layer.word("merge", merge_names);
  layer.flag("final_state");
  if (layer.layer().parts.size() != 2) return;
  const LayerData &ahead = layer.layer().parts[0], &back = layer.layer().parts[1];
  if (ahead.kind == nullptr || back.kind == nullptr) return;
  const Description a = describe_layer(ahead), b = describe_layer(back);
  layer.check(a.is_recurrent && a.parts.empty(), "its directions are ", kind_name(ahead),
              ", expected recurrent layers of one direction");
  layer.check(kind_name(ahead) == kind_name(back) && a.inputs == b.inputs && a.outputs == b.outputs,
              "its directions differ: ", kind_name(ahead), " ", a.inputs, " -> ", a.outputs, " and ", kind_name(back),
              " ", b.inputs, " -> ", b.outputs);
  for (const LayerData& part : layer.layer().parts)
    layer.check(part.options.empty(), "its directions have options of their own");
  layer.widths(a.inputs, a.outputs * (layer.layer().word("merge", "concat") == "concat" ? 2 : 1));
  layer.output_noun = "units";
}
UNROLL_FUNCTION LayerData BidirectionalKind::sized(Index inputs, Index outputs) {
  require(outputs % 2 == 0, "BidirectionalKind: ", outputs, " outputs, expected an even number");
  return {&layer_kind<BidirectionalKind>,
          {},
          {},
          std::vector<LayerData>(2, RecurrentKind<Lstm<>>::sized(inputs, outputs / 2))};
}
UNROLL_FUNCTION Matrix<double> BidirectionalKind::run(const LayerData& layer, const Matrix<double>& x) {
  LayerData ahead = layer.parts[0], back = layer.parts[1];
  for (LayerData* part : {&ahead, &back}) part->set_flag("final_state", layer.flag("final_state"));
  back.set_flag("reverse", true);
  const Matrix<double> a = ahead.kind->run(ahead, x), b = back.kind->run(back, x);
  // Not `merge`: over Eigen's arrays in double it would be compiled for nobody else.
  const std::string_view how = layer.word("merge", "concat");
  const Index H = a.rows();
  Matrix<double> y(how == "concat" ? 2 * H : H, a.cols());
  for (Index t = 0; t < a.cols(); ++t)
    for (Index k = 0; k < H; ++k)
      if (how == "concat")
        y(k, t) = a(k, t), y(H + k, t) = b(k, t);
      else
        y(k, t) = how == "product" ? a(k, t) * b(k, t) : (a(k, t) + b(k, t)) / (how == "average" ? 2 : 1);
  return y;
}

}  // namespace unroll::inline UNROLL_ABI
