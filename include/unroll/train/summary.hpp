// A model as a table.
#pragma once

#include <iosfwd>
#include <string>

#include <unroll/core/any_model.hpp>
#include <unroll/core/parameters.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_API void write_summary_layer(std::ostream& out, Index k, const std::string& description, Index parameters);
UNROLL_API void write_summary_model(std::ostream& out, const std::string& description);
/// The rest.
UNROLL_API void write_summary_parameters(std::ostream& out, const AnyModel& model);
}  // namespace detail

/// Layers with their numbers of parameters, then each parameter with its path, shape and whether it is trained, then
/// the totals.
template <Visitable M> void summary(const M& model, std::ostream& out) {
  if constexpr (requires { model.for_each_layer([](Index, const auto&) {}); })
    model.for_each_layer([&](Index k, const auto& layer) {
      detail::write_summary_layer(out, k, layer.describe(), count_parameters(layer));
    });
  else if constexpr (requires { model.describe(); })
    detail::write_summary_model(out, model.describe());
  detail::write_summary_parameters(out, detail::AnyModel(model));
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/summary.ipp>
#endif
