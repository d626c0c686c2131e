// Bodies of train/summary.hpp.
#pragma once

#include <iomanip>
#include <ostream>

#include <unroll/core/error.hpp>
#include <unroll/train/summary.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION void write_summary_layer(std::ostream& out, const std::string& name, const std::string& description,
                                         Index parameters) {
  const auto flags = out.flags();
  out << std::right << std::setw(3) << name << "  " << std::left << std::setw(58) << description << std::right
      << std::setw(12) << parameters << '\n';
  out.flags(flags);
}
UNROLL_FUNCTION void write_summary_model(std::ostream& out, const std::string& description) {
  out << description << '\n';
}
UNROLL_FUNCTION void write_summary_parameters(std::ostream& out, const ModelRef& model) {
  const auto flags = out.flags();
  out << '\n';
  Index all = 0, trainable = 0;
  model.visit([&](const Path& path, const ParameterRef& p) {
    const Index size = p.rows() * p.cols();
    out << std::left << std::setw(39) << path.str() << ' ' << std::setw(20) << concat_text(p.rows(), " x ", p.cols())
        << std::right << std::setw(15) << size << (p.trainable() ? "" : "  frozen") << '\n';
    all += size;
    trainable += p.trainable() ? size : 0;
  });
  out << "parameters: " << all << ", trainable " << trainable << ", frozen " << all - trainable << '\n';
  out.flags(flags);
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
