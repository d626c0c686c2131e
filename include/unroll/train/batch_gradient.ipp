// Bodies of train/batch_gradient.hpp.
#pragma once

#include <unroll/train/batch_gradient.hpp>
#include <unroll/train/train_step.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void BatchGradient::scale(double factor) {
  gradient_.visit([&](const Path&, const detail::ParameterRef& any) {
    any.with([&]<class T>(Parameter<T>& g) { detail::scale_gradient(g, static_cast<T>(factor)); });
  });
}

}  // namespace unroll::inline UNROLL_ABI
