// A model as a table.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>

#include <unroll/core/model_ref.hpp>
#include <unroll/core/parameters.hpp>
#include <unroll/layer/parts.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_API void write_summary_layer(std::ostream& out, const std::string& name, const std::string& description,
                                    Index parameters);
UNROLL_API void write_summary_model(std::ostream& out, const std::string& description);
/// The rest.
UNROLL_API void write_summary_parameters(std::ostream& out, const ModelRef& model);
template <class P> void write_summary_part(std::ostream& out, const std::string& name, const P& part) {
  if constexpr (is_list<P>)
    for (std::size_t j = 0; j < part.size(); ++j) write_summary_part(out, concat_text(name, ".", j), part[j]);
  else
    write_summary_layer(out, name, part.describe(), count_parameters(part));
}
}  // namespace detail

/// Layers with their numbers of parameters, then each parameter with its path, shape and whether it is trained, then
/// the totals.
template <Visitable M> void summary(const M& model, std::ostream& out) {
  if constexpr (detail::HasParts<M>)
    detail::for_each_part(
        [&](auto k, std::string_view name, const auto& part) {
          detail::write_summary_part(out, name.empty() ? concat_text(k()) : std::string(name), part);
        },
        model);
  else if constexpr (requires {
                       typename M::KnowsItsLayers;
                       model.layers.size();
                     })
    for (std::size_t k = 0; k < model.layers.size(); ++k)
      detail::write_summary_part(out, concat_text(k), model.layers[k]);
  else if constexpr (requires { model.describe(); })
    detail::write_summary_model(out, model.describe());
  detail::write_summary_parameters(out, detail::ModelRef(model));
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/summary.ipp>
#endif
