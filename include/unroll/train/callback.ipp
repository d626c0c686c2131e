// Bodies of train/callback.hpp.
#pragma once

#include <unroll/train/callback.hpp>
#include <unroll/train/weights_record.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION Record Run::weights() const { return detail::weights_record(model_ref()); }
UNROLL_FUNCTION void Run::set_weights(const Record& weights) { detail::load_weights(model_ref(), weights); }

namespace detail {
UNROLL_FUNCTION double monitored(const char* who, Run& run, std::string_view name) {
  const auto value = run.log().find(name);
  require(value.has_value(), who, ": there is no '", name, "' to monitor",
          MonitoredName::of(name).of_validation && !run.has_validation() ? "; this run has no validation data" : "");
  return *value;
}
UNROLL_FUNCTION void check_monitor(const char* who, const Run& run, std::string_view name) {
  require(!MonitoredName::of(name).of_validation || run.has_validation(), who, ": there is no '", name,
          "' to monitor; this run has no validation data");
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
