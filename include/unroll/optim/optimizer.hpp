// The optimizer: a rule, and what it remembers about every parameter of a model.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/core/parameters.hpp>
#include <unroll/core/range.hpp>
#include <unroll/optim/adam.hpp>
#include <unroll/optim/optimizer_state.hpp>
#include <unroll/optim/rms_prop.hpp>
#include <unroll/optim/sgd.hpp>

namespace unroll::inline UNROLL_ABI {

template <Visitable Model, Rule R> class Optimizer;
namespace detail {
template <Visitable Model, Rule R> OptimizerState& state_of(Optimizer<Model, R>& optimizer) { return optimizer.state_; }
}  // namespace detail

/// Updates a model by a rule. A parameter that is not trainable is left alone: no update, no decay, no count; its
/// moments are made at its first update, and it counts its updates itself, as in PyTorch. After the first step with the
/// same trainable parameters nothing allocates.
///
/// State, all of it: `rate()`, `counts()` and the moments of `visit_state`; with these restored (and the same groups
/// named) training goes on with the same bits.
template <Visitable Model, Rule R> class Optimizer {
 public:
  /// Throws where an option has no meaning.
  explicit Optimizer(const Model& model, R rule = {}) : rule_(std::move(rule)), state_(moment_count) {
    rule_.check();
    visit(detail::AddParameters<R>{state_, rule_}, model);
  }

  /// Gives the parameters whose path matches `pattern` (`"*.bias*"`, see `matches`) options of their own; of several
  /// patterns the first one named wins. Throws where nothing matches.
  Optimizer& group(std::string_view pattern, const GroupOptions& options) {
    state_.group(pattern, options);
    return *this;
  }

  /// One update of every trainable parameter. `gradient` is zeros_like(model) plus what backward added. Throws what
  /// `check` does, before anything has changed.
  template <class Gradient> void step(Model& model, const Gradient& gradient) {
    check(model, gradient);
    detail::UpdateParameters<R> update{state_, rule_};
    visit(update, model, gradient);
  }

  /// Throws where `step` cannot be made: a gradient or a moment of another shape than the model's parameter, a model of
  /// other parameters than the optimizer was made for, a table's touched columns outside of it, a count below 0.
  template <class Gradient> void check(const Model& model, const Gradient& gradient) const {
    detail::CheckGradients gradients{state_};
    visit(gradients, model, gradient);
    gradients.finish();
    for (std::size_t slot = 0; slot < moment_count; ++slot) {
      detail::CheckMoments moments{state_, slot, R::moments[slot]};
      visit(moments, model);
    }
  }

  double rate() const { return rule_.rate; }
  void set_rate(double rate) {
    detail::require_not_negative("Optimizer::set_rate", "the rate", rate);
    rule_.rate = rate;
  }
  const R& rule() const { return rule_; }

  /// Updates of each parameter so far, in the order of `visit` and of `paths`.
  std::span<const std::int64_t> counts() const { return state_.counts; }
  std::span<std::int64_t> counts() { return state_.counts; }
  const std::vector<std::string>& paths() const { return state_.paths; }

  /// Calls f(path, name of the moment, moment) for every moment of every parameter of `model`, the one the optimizer
  /// was made for. A moment is a Matrix, of the parameter's shape, or of size 0 where there is none (yet): who loads
  /// gives it the size it had when it was saved.
  template <class F> void visit_state(const Model& model, F&& f) { state(*this, model, f); }
  template <class F> void visit_state(const Model& model, F&& f) const { state(*this, model, f); }

 private:
  static constexpr std::size_t moment_count = R::moments.size();
  friend detail::OptimizerState& detail::state_of<Model, R>(Optimizer& optimizer);

  template <class Self, class F> static void state(Self& self, const Model& model, F& f) {
    for (std::size_t slot = 0; slot < moment_count; ++slot) {
      std::size_t next = 0;
      visit(
          [&](const Path& path, const auto& p) {
            using T = typename std::remove_cvref_t<decltype(p)>::Scalar;
            f(path, R::moments[slot], self.state_.template moment<T>(next++, slot));
          },
          model);
    }
  }

  R rule_;
  detail::OptimizerState state_;
};
template <class Model, class R> Optimizer(const Model&, R) -> Optimizer<Model, R>;

}  // namespace unroll::inline UNROLL_ABI
