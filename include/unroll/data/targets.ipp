// Bodies of data/targets.hpp.
#pragma once

#include <algorithm>

#include <unroll/core/error.hpp>
#include <unroll/data/targets.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION NamedLabels detail::number_labels(FunctionRef<FunctionRef<std::string_view>> strings,
                                                  std::vector<std::string> names) {
  NamedLabels out{{}, std::move(names)};
  const bool fixed = !out.names.empty();
  if (!fixed) {
    strings([&](std::string_view s) { out.names.emplace_back(s); });
    std::ranges::sort(out.names);
    out.names.erase(std::unique(out.names.begin(), out.names.end()), out.names.end());
  }
  strings([&](std::string_view s) {
    const auto found = std::ranges::find(out.names, s);
    require(found != out.names.end(), "labels_from_strings: label ", out.labels.size(), " is '", s,
            "', which is none of the ", out.names.size(), " names");
    out.labels.push_back(found - out.names.begin());
  });
  return out;
}

UNROLL_FUNCTION Targets::Targets(std::vector<Index> of, std::vector<std::string> names)
    : labels(std::move(of)), label_names(std::move(names)) {}
UNROLL_FUNCTION Targets::Targets(NamedLabels of) : Targets(std::move(of.labels), std::move(of.names)) {}
UNROLL_FUNCTION Targets::Targets(const std::vector<std::vector<Index>>& steps, std::vector<std::string> names)
    : per_step(true), label_names(std::move(names)) {
  for (const auto& s : steps) labels.insert(labels.end(), s.begin(), s.end());
}
UNROLL_FUNCTION void Targets::check_values() const {
  require(values.rows() > 0 || values.cols() == 0, "Targets: ", values.cols(), " columns without a number");
}

}  // namespace unroll::inline UNROLL_ABI
