// How large the gradient, the update and the weights of every parameter are along training.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/train/batch_gradient.hpp>
#include <unroll/train/callback.hpp>

namespace unroll::inline UNROLL_ABI {

/// Euclidean norms of a parameter, one for each update. An update of about a thousandth of the weights is usual
/// (Karpathy, CS231n): much more and training jumps, much less and it stands.
struct NormsOfParameter {
  std::string path;
  std::vector<double> gradient;  ///< of the whole batch, before clipping; 0 where it is frozen
  std::vector<double> update;    ///< of the change of its values
  std::vector<double> weights;   ///< of its values after it
};

/// Writes them down in a run of `fit`, in two places: `.on_gradient = norms` and `.callbacks = norms`. Copies share
/// what they write, so that what was handed to `fit` is read afterwards. An update costs two walks over the parameters,
/// and memory is that of the parameters once more. A run that is resumed begins anew.
class ParameterNorms {
 public:
  const std::vector<NormsOfParameter>& parameters() const { return state_->parameters; }
  /// Of this path. Throws where the model has none.
  UNROLL_API const NormsOfParameter& of(std::string_view path) const;

  // For `fit`.
  UNROLL_API void operator()(const BatchGradient& batch) const;
  UNROLL_API void on_train_begin(Run& run) const;
  UNROLL_API void on_epoch_begin(Run& run) const;
  UNROLL_API void on_batch_end(Run& run) const;

 private:
  struct State {
    std::vector<NormsOfParameter> parameters;
    std::vector<std::vector<double>> before;  ///< the values before the update
    std::vector<double> gradient;             ///< of the present batch, in the order of its own walk
    std::vector<std::string> paths;           ///< of these
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/parameter_norms.ipp>
#endif
