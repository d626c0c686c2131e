// RevIN and the subtracted last value against PyTorch.
#include <unroll/core/pack.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/flatten.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/layer/window_norm.hpp>

#include "golden.hpp"

namespace {
using namespace unroll;

template <class M> void check_window_norm(const Golden& golden, const std::string& name, M model) {
  CAPTURE(name);
  golden.load(model, name + ".");
  const auto shape = golden.shape("x");
  const auto columns = golden.columns("x");
  const auto x = pack(batch_first(columns.data(), shape[0], shape[1], shape[2]),
                      std::vector<Index>(static_cast<std::size_t>(shape[0]), shape[1]));
  CacheFor<M, PackedSequence<double>> cache;
  check_close("y", model.forward({}, x, cache), golden.columns(name + ".y"));
  M gradient = zeros_like(model);
  check_close("dx", unpack(model.backward(x, golden.columns("r.y"), cache, gradient)),
              golden.columns(name + ".grad.x"));
  golden.check_parameters(gradient, name + ".grad.");
}
}  // namespace

TEST_CASE("windows relative to their last value, or to their mean and deviation, are PyTorch's") {
  const Golden golden("pytorch_window_norm");
  const auto linear = [] { return Sequential{Flatten<double>{}, Dense<double>{15, 4}}; };
  const WindowOutputs outputs{.targets = {2, 0}};
  check_window_norm(golden, "last", LastValue{linear(), outputs});
  check_window_norm(golden, "rev_in", RevIn{linear(), {.outputs = outputs}});
  check_window_norm(golden, "rev_in_affine", RevIn{linear(), {.outputs = outputs, .affine = 3}});
  golden.check_all_read();
}
