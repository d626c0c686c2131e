// The parameters of a model as a record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <unroll/core/model_ref.hpp>
#include <unroll/train/record.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// Every parameter by its path, and which of them are trainable.
inline Record weights_record(const ModelRef& model) {
  Record record;
  std::vector<std::int64_t> trainable;
  model.visit([&](const Path& path, const ParameterRef& any) {
    any.with([&]<class T>(const Parameter<T>& p) { record.set(path.str(), Matrix<T>(p)); });
    trainable.push_back(any.trainable() ? 1 : 0);
  });
  record.set("trainable", trainable);
  return record;
}
/// The model is as it was where this throws.
inline void load_weights(const ModelRef& model, const Record& record) {
  record.check_like(weights_record(model));
  const auto& trainable = record.get<std::vector<std::int64_t>>("trainable");
  std::size_t k = 0;
  model.visit([&](const Path& path, const ParameterRef& any) {
    any.with([&]<class T>(Parameter<T>& p) { static_cast<Matrix<T>&>(p) = record.get<Matrix<T>>(path.str()); });
    any.trainable() = trainable[k++] != 0;
  });
}

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
