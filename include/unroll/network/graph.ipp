// Bodies of network/graph.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/network/graph.hpp>
#include <unroll/network/network.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

struct GraphFunctionForm {
  std::string_view name;
  std::size_t inputs, numbers;
};
inline constexpr GraphFunctionForm graph_functions[] = {{"+", 2, 0},
                                                        {"-", 2, 0},
                                                        {"*", 2, 0},
                                                        {"scale", 1, 1},
                                                        {"concat_rows", 2, 0},
                                                        {"rows", 1, 2},
                                                        {"mean_over_time", 1, 0},
                                                        {"max_over_time", 1, 0},
                                                        {"weighted_sum", 2, 0},
                                                        {"attend", 2, 0}};

UNROLL_FUNCTION Index width_of_function(std::string_view name, std::span<const double> numbers,
                                        std::span<const Index> widths) {
  const auto form = std::ranges::find(graph_functions, name, &GraphFunctionForm::name);
  require(form != std::end(graph_functions), "no function of a graph is called '", name, "'");
  require(widths.size() == form->inputs && numbers.size() == form->numbers, name, " of ", widths.size(),
          " values with ", numbers.size(), " options, expected ", form->inputs, " and ", form->numbers);
  for (const double number : numbers) require(has_finite_bits(number), name, ": an option is not a finite number");
  if (name == "concat_rows") return widths[0] + widths[1];
  if (name == "rows") {
    const auto width = static_cast<double>(widths[0]);
    const double first = numbers[0], count = numbers[1];
    require(
        first >= 0 && count >= 1 && first + count <= width && first == std::floor(first) && count == std::floor(count),
        "rows: ", count, " from ", first, " of ", widths[0]);
    return static_cast<Index>(count);
  }
  if (name == "weighted_sum" || name == "attend") {
    require(widths[0] == 1, name, ": weights of ", widths[0], " values a step, expected 1");
    return widths[1];
  }
  require(widths.back() == widths[0], name, ": ", widths[0], " and ", widths.back(), " values");
  return widths[0];
}

}  // namespace detail

UNROLL_FUNCTION void validate(const Graph& graph) {
  constexpr Index most = Index{1} << 24;
  require(!graph.nodes.empty(), "a graph without nodes");
  require(graph.takes_tokens || (graph.inputs >= 1 && graph.inputs <= most), "a graph of ", graph.inputs, " inputs");
  for (std::size_t k = 0; k < graph.nodes.size(); ++k) {
    const GraphNode& node = graph.nodes[k];
    const std::string at = concat_text("graph: node ", k);
    std::vector<Index> widths;
    bool reads_tokens = false;
    for (const Index input : node.inputs) {
      require(input >= -1 && input < static_cast<Index>(k), at, " reads node ", input);
      reads_tokens = reads_tokens || (input < 0 && graph.takes_tokens);
      widths.push_back(input < 0 ? graph.inputs : graph.nodes[static_cast<std::size_t>(input)].width);
    }
    Index width = 0;
    if (node.layer.kind == nullptr) {
      require(!reads_tokens, at, ": ", node.function, " reads token ids");
      try {
        width = detail::width_of_function(node.function, node.numbers, widths);
      } catch (const std::invalid_argument& error) {
        fail(at, ": ", error.what());
      }
    } else {
      const std::string name = concat_text(at, " (", kind_name(node.layer), ")");
      require(widths.size() == 1, name, " reads ", widths.size(), " values, expected 1");
      const Description form =
          detail::check_layer(node.layer, widths[0], name, &detail::refuse_with<std::invalid_argument>);
      require(form.takes_tokens == reads_tokens, name, form.takes_tokens ? " takes token ids" : " takes numbers");
      require(form.takes_tokens || form.takes_any || form.inputs == widths[0], name, " takes ", form.inputs,
              " values, got ", widths[0]);
      width = form.outputs;
    }
    require(node.width == width && width <= most, at, " gives ", width, " values, its width is ", node.width);
  }
}

}  // namespace unroll::inline UNROLL_ABI
