// Bodies of metric/metric.hpp.
#pragma once

#include <unroll/metric/metric.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION void require_labels(const char* who, bool has_numbers) {
  require(!has_numbers, who, ": is a metric of classes, the targets are numbers");
}
UNROLL_FUNCTION void require_numbers(const char* who, bool has_numbers) {
  require(has_numbers, who, ": is a metric of numbers, the targets are classes");
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
