// A layer in the metadata "unroll.network", without its tensors: its kind and its options.
#pragma once

#include <string>
#include <variant>

#include <unroll/file/json_value.hpp>
#include <unroll/kind/layer_kind.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// {"type": "lstm", "reverse": true}: options that always stand there, and those that are not as usual.
inline Json entry_of(const LayerData& layer) {
  Json entry{{"type", layer.kind->name}};
  for (const OptionForm& form : describe_layer(layer).options) {
    const auto found = layer.options.find(form.name);
    const LayerOption& value = found == layer.options.end() ? form.usual : found->second;
    if (form.need == Need::required || value != form.usual)
      std::visit([&](const auto& option) { entry[std::string(form.name)] = option; }, value);
  }
  return entry;
}
inline LayerOption read_option(const JsonAt& at, const OptionForm& form) {
  if (std::holds_alternative<bool>(form.usual)) return at.boolean();
  if (std::holds_alternative<double>(form.usual)) return at.number(form.low, form.high);
  if (std::ranges::find(form.words, at.string()) == form.words.end())
    at.refuse("got ", quote(at.string()), ", expected ", words_of(form));
  return at.string();
}

}  // namespace unroll::inline UNROLL_ABI::detail
