// A model as a table.
#pragma once

#include <iomanip>
#include <ostream>

#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

/// Layers with their numbers of parameters, then each parameter with its path, shape and whether it is trained, then
/// the totals.
template <Visitable M> void summary(const M& model, std::ostream& out) {
  const auto flags = out.flags();
  if constexpr (requires { model.for_each_layer([](Index, const auto&) {}); }) {
    model.for_each_layer([&](Index k, const auto& layer) {
      out << std::right << std::setw(3) << k << "  " << std::left << std::setw(58) << layer.describe() << std::right
          << std::setw(12) << count_parameters(layer) << '\n';
    });
  } else if constexpr (requires { model.describe(); }) {
    out << model.describe() << '\n';
  }
  out << '\n';
  visit(
      [&](const Path& path, const auto& p) {
        out << std::left << std::setw(40) << path.str() << std::setw(20) << concat(p.rows(), " x ", p.cols())
            << std::right << std::setw(15) << p.size() << (p.trainable ? "" : "  frozen") << '\n';
      },
      model);
  const Index all = count_parameters(model), trainable = count_trainable(model);
  out << "parameters: " << all << ", trainable " << trainable << ", frozen " << all - trainable << '\n';
  out.flags(flags);
}

}  // namespace unroll::inline UNROLL_ABI
