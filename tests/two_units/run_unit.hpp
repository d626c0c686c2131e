// The body of each unit; UNIT is its name.
#if defined(UNIT_WITH_FEW_HEADERS)
#include <unroll/cell/lstm.hpp>
#include <unroll/layer/recurrent.hpp>
#else
#include "all_headers.hpp"
#endif
#include "unit.hpp"

#define UNIT_TEXT_(x) #x
#define UNIT_TEXT(x) UNIT_TEXT_(x)

two_units::Result UNIT() {
  using namespace two_units;
  using Matrix = Eigen::MatrixXf;
  std::vector<Matrix> sequences;
  for (int b = 0; b < batch; ++b)
    sequences.push_back(Matrix::NullaryExpr(features, lengths[b], [&](Eigen::Index d, Eigen::Index t) {
      return static_cast<float>(number(0, (b * steps + t) * features + d));
    }));
  const auto x = unroll::pack(sequences);

  unroll::Recurrent layer{unroll::Lstm{features, units}};
  auto gradient = layer;
  int k = 0;
  unroll::visit(
      [&](const unroll::Path&, auto& parameter, auto& its_gradient) {
        ++k;
        for (Eigen::Index i = 0; i < parameter.size(); ++i) parameter.data()[i] = static_cast<float>(number(k, i));
        its_gradient.setZero();
      },
      layer, gradient);

  unroll::Recurrent<unroll::Lstm<float>>::Cache<unroll::PackedSequence<float>> cache;
  const auto& y = layer.forward({}, x, cache);
  auto dy = y;
  Result result;
  result.its_namespace = UNIT_TEXT(UNROLL_ABI);
  result.y.resize(units * steps * batch);
  for (Eigen::Index n = 0; n < y.packing.total(); ++n) {
    const Eigen::Index at = (y.packing.sequence_of(n) * steps + y.packing.time_of(n)) * units;
    for (Eigen::Index h = 0; h < units; ++h) {
      result.y[static_cast<std::size_t>(at + h)] = static_cast<double>(y.values(h, n));
      dy.values(h, n) = static_cast<float>(number(9, at + h));
    }
  }
  layer.backward(x, dy, cache, gradient);
  const auto numbers = [](const auto& m) { return std::vector<double>(m.data(), m.data() + m.size()); };
  result.dW = numbers(gradient.weight_ih);
  result.db = numbers(gradient.bias_ih);
  unroll::visit(
      [&](const unroll::Path& path, const auto& parameter) {
        if (path.str().find("weight_hh") != std::string::npos) result.dU = numbers(parameter);
      },
      gradient);
  return result;
}
