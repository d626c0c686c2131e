// The list of kinds as data, for those who cannot read C++: tools/kinds.json and the table of docs/kinds.md.
#pragma once

#include <concepts>
#include <string>
#include <variant>

#include <nlohmann/json.hpp>

#include <unroll/core/error.hpp>

#include "kinds.hpp"

/// Of tools/kinds.json.
inline std::string kinds_json() {
  using unroll::Need, unroll::TensorRank;
  std::string all;
  for (const unroll::LayerKind* kind : unroll::library_kinds()) {
    const unroll::LayerData layer{kind};
    const unroll::Description form = unroll::describe_layer(layer);
    nlohmann::ordered_json entry{{"tensors", nlohmann::ordered_json::object()}};
    for (const unroll::TensorForm& tensor : form.tensors) {
      auto& to = entry["tensors"][std::string(tensor.name)];
      to = {{"rank", tensor.rank == TensorRank::vector ? 1 : 2}, {"required", tensor.need == Need::required}};
      if (tensor.stored != tensor.name) to["stored"] = tensor.stored;
      if (!tensor.beside.empty()) to["beside"] = tensor.beside;
    }
    for (const unroll::OptionForm& option : form.options)
      std::visit([&](const auto& usual) { entry["options"][std::string(option.name)] = usual; }, option.usual);
    if (!form.parts.empty()) entry["parts"] = form.parts;
    if (form.gates > 0) entry["gates"] = form.gates;
    if (!form.ending.empty()) entry["ending"] = form.ending;
    for (const auto& [name, holds] : {std::pair{"recurrent", form.is_recurrent}, std::pair{"tokens", form.takes_tokens},
                                      std::pair{"any_width", form.takes_any}})
      if (holds) entry[name] = true;
    all += unroll::concat_text(all.empty() ? "{\n" : ",\n", "\"", kind->name, "\": ", entry.dump());
  }
  return all + "\n}\n";
}

/// Of docs/kinds.md.
inline std::string kinds_table() {
  std::string text = "| kind | tensors | options | trained as | streams |\n| --- | --- | --- | --- | --- |\n";
  unroll::for_each_kind<unroll::LibraryKinds>([&]<class K>() {
    const unroll::LayerData layer{&unroll::layer_kind<K>};
    const unroll::Description form = unroll::describe_layer(layer);
    std::string tensors, options;
    for (const std::string_view part : form.parts)
      tensors += unroll::concat_text(tensors.empty() ? "" : ", ", "layer `", part, "`");
    for (const unroll::TensorForm& tensor : form.tensors) {
      const bool required = tensor.need == unroll::Need::required;
      tensors +=
          unroll::concat_text(tensors.empty() ? "" : ", ", required ? "`" : "[`", tensor.name, required ? "`" : "`]");
    }
    for (const unroll::OptionForm& option : form.options)
      options += unroll::concat_text(options.empty() ? "`" : ", `", option.name, "`");
    std::string trained = std::same_as<K, unroll::BidirectionalKind> ? "`Bidirectional`" : "";
    if constexpr (TrainedKind<K>) {
      trained = K::template make<float>(sample_of<K>()).describe();
      trained = unroll::concat_text("`", trained.substr(0, trained.find(' ')), "`");
    }
    text += unroll::concat_text("| `", K::name, "` | ", tensors, " | ", options, " | ", trained, " | ",
                                form.parts.empty() ? "yes" : "no", " |\n");
  });
  return text;
}
