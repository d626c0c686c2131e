// Bodies of train/parameter_norms.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <unroll/core/error.hpp>
#include <unroll/train/parameter_norms.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION const NormsOfParameter& ParameterNorms::of(std::string_view path) const {
  for (const NormsOfParameter& norms : state_->parameters)
    if (norms.path == path) return norms;
  fail("ParameterNorms: there is no parameter ", path, " among ", state_->parameters.size());
}
UNROLL_FUNCTION void ParameterNorms::operator()(const BatchGradient& batch) const {
  state_->gradient.clear(), state_->paths.clear();
  batch.visit([&](const Path& path, auto numbers) {
    double squares = 0;
    for (const auto number : numbers) squares += static_cast<double>(number) * static_cast<double>(number);
    state_->gradient.push_back(std::sqrt(squares));
    state_->paths.push_back(path.str());
  });
}
UNROLL_FUNCTION void ParameterNorms::on_train_begin(Run& run) const {
  *state_ = {};
  run.visit([&](const Path& path, const auto&) { state_->parameters.push_back({path.str(), {}, {}, {}}); });
  state_->before.resize(state_->parameters.size());
  on_epoch_begin(run);
}
UNROLL_FUNCTION void ParameterNorms::on_epoch_begin(Run& run) const {  // others may have exchanged the weights
  std::size_t k = 0;
  run.visit([&](const Path&, const auto& p) { state_->before[k++].assign(p.data(), p.data() + p.size()); });
}
UNROLL_FUNCTION void ParameterNorms::on_batch_end(Run& run) const {
  std::size_t k = 0, g = 0;
  run.visit([&](const Path&, const auto& p) {
    NormsOfParameter& norms = state_->parameters[k];
    double change = 0, values = 0;
    for (Index i = 0; i < p.size(); ++i) {
      const auto now = static_cast<double>(p.data()[i]);
      double& then = state_->before[k][static_cast<std::size_t>(i)];
      change += (now - then) * (now - then), values += now * now;
      then = now;
    }
    const bool has_gradient = g < state_->paths.size() && state_->paths[g] == norms.path;
    norms.gradient.push_back(has_gradient ? state_->gradient[g++] : 0);
    norms.update.push_back(std::sqrt(change));
    norms.weights.push_back(std::sqrt(values));
    ++k;
  });
}

}  // namespace unroll::inline UNROLL_ABI
