// A recurrent layer as its loop sees it.
#pragma once

#include <string_view>

#include <unroll/layer/recurrent/options.hpp>

namespace unroll::inline UNROLL_ABI {

/// A recurrent layer without the type of its cell, and the gradients of its parameters.
template <class T, int S> struct RecurrentParts {
  std::string_view who;
  const Parameter<T>&weight_ih, &bias_ih;
  const PerState<Parameter<T>, S>& initial;
  const RecurrentOptions& options;
  AnyCell<T, S> cell;
};
template <class T, int S> struct RecurrentGradient {
  Matrix<T>&weight_ih, &bias_ih;
  PerState<Parameter<T>, S>& initial;
  void* cell;
};

}  // namespace unroll::inline UNROLL_ABI
