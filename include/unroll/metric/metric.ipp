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

UNROLL_FUNCTION Metrics::Metrics() = default;
UNROLL_FUNCTION Metrics::Metrics(std::initializer_list<Metric> list) : metrics_(list) {}
UNROLL_FUNCTION Metrics::Metrics(const Metrics& other) = default;
UNROLL_FUNCTION Metrics::Metrics(Metrics&& other) noexcept = default;
UNROLL_FUNCTION Metrics& Metrics::operator=(const Metrics& other) = default;
UNROLL_FUNCTION Metrics& Metrics::operator=(Metrics&& other) noexcept = default;
UNROLL_FUNCTION Metrics::~Metrics() = default;
UNROLL_FUNCTION void Metrics::push_back(Metric metric) { metrics_.push_back(std::move(metric)); }

}  // namespace unroll::inline UNROLL_ABI
