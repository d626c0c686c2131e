// Bodies of network/trained_kinds.hpp.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>

#include <unroll/core/error.hpp>
#include <unroll/core/range.hpp>
#include <unroll/core/size.hpp>
#include <unroll/file/nearest_names.hpp>
#include <unroll/network/trained_kinds.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION void check_kind_options(const LayerKind& kind, const LayerOptions& how) {
  const LayerData none{&kind};
  const Description form = describe_layer(none);
  for (const auto& [name, value] : how.options) {
    const auto option = std::ranges::find(form.options, std::string_view(name), &OptionForm::name);
    require(option != form.options.end(), "make_layer: ", kind.name, " has no option '", name, "'");
    require(value.index() == option->usual.index(), "make_layer: ", kind.name, ": ", name, " is ",
            std::holds_alternative<bool>(value)     ? "a flag"
            : std::holds_alternative<double>(value) ? "a number"
                                                    : "a word",
            ", expected ",
            std::holds_alternative<bool>(option->usual)     ? "a flag"
            : std::holds_alternative<double>(option->usual) ? "a number"
                                                            : "a word");
    if (const auto* const number = std::get_if<double>(&value))
      require(*number >= option->low && *number <= option->high, "make_layer: ", kind.name, ": ", name, " is ", *number,
              ", expected ", option->low, " to ", option->high);
    if (const auto* const word = std::get_if<std::string>(&value))
      require(std::ranges::find(option->words, *word) != option->words.end(), "make_layer: ", kind.name, ": ", name,
              " is '", *word, "', expected ", words_of(*option));
  }
  if (form.is_recurrent) return;
  require(how.units == 0, "make_layer: ", kind.name, " has no units beside its outputs");
  const RecurrentOptions& r = how.recurrent;
  require(!how.final_state, "make_layer: ", kind.name, " has no final state: it is not recurrent");
  require(r.input_dropout == 0 && r.recurrent_dropout == 0 && r.weight_dropout == 0 && !r.per_gate && !r.reverse &&
              !r.bias && !r.learned_initial_state && r.recompute_every == 0,
          "make_layer: ", kind.name, " has no options of a recurrent layer: it is not recurrent");
}

UNROLL_FUNCTION void check_layer_sizes(std::string_view kind, Index inputs, Index outputs) {
  const std::string who = concat_text("make_layer: ", kind);
  require_size(who, inputs, "inputs", 1);
  require_size(who, outputs, "outputs", 1);
  require(product_of_sizes(product_of_sizes(inputs, outputs), 64) >= 0, who, ": ", inputs, " inputs and ", outputs,
          " outputs, expected sizes that memory can hold");
}
UNROLL_FUNCTION void check_units(std::string_view kind, Index units, Index inputs, Index outputs, bool projects) {
  if (units == 0) return;
  require(projects, "make_layer: ", kind, " has as many units as outputs: it projects nothing");
  const std::string who = concat_text("make_layer: ", kind);
  require_size(who, units, "units", 1);
  for (const Index other : {inputs, outputs})
    require(product_of_sizes(product_of_sizes(other, units), 64) >= 0, who, ": ", units, " units, ", inputs,
            " inputs and ", outputs, " outputs, expected sizes that memory can hold");
}
UNROLL_FUNCTION void check_form_sizes(const LayerData& form, Index inputs, Index outputs) {
  const Description of = describe_layer(form, inputs);
  const Index takes = of.takes_tokens ? of.tokens() : of.inputs;
  require(takes == inputs && of.outputs == outputs, "make_layer: ", kind_name(form), " takes ", takes, " and gives ",
          of.outputs, ", asked for ", inputs, " and ", outputs);
}
UNROLL_FUNCTION void refuse_kind(std::string_view kind, KindTable kinds) {
  std::string known;
  for (const LayerKind* each : kinds)
    known += concat_text(known.empty() ? "" : ", ", each->name,
                         each->name == BidirectionalKind::name ? " and the name of a recurrent one" : "");
  fail("make_layer: no layer that trains is called ", quote(kind), "; there are ", known);
}

}  // namespace unroll::inline UNROLL_ABI::detail
