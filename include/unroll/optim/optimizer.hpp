// The optimizer: a rule, and what it remembers about every parameter of a model.
#pragma once

#include <limits>
#include <optional>
#include <span>

#include <unroll/core/parameters.hpp>
#include <unroll/kernel/parallel.hpp>
#include <unroll/optim/adam.hpp>
#include <unroll/optim/rms_prop.hpp>
#include <unroll/optim/runs.hpp>
#include <unroll/optim/sgd.hpp>

namespace unroll::inline UNROLL_ABI {

/// What a group of parameters has of its own.
struct GroupOptions {
  double rate_scale = 1;                    ///< times the optimizer's rate, so schedules reach every group
  std::optional<double> weight_decay = {};  ///< none: the rule's
};

/// Updates a model by a rule. Moments are objects of the model's type. A parameter that is not trainable is left alone:
/// no update, no decay, no count; its moments are made at its first update, and it counts its updates itself, as in
/// PyTorch. After the first step with the same trainable parameters nothing allocates.
///
/// State, all of it: `rate()`, `counts()` and the moments of `visit_state`; with these restored (and the same groups
/// named) training goes on with the same bits.
template <Visitable Model, Rule R> class Optimizer {
 public:
  /// Throws where an option has no meaning.
  explicit Optimizer(const Model& model, R rule = {}) : rule_(std::move(rule)) {
    rule_.check();
    visit(
        [&](const Path& path, const auto&) {
          paths_.push_back(path.str());
          settings_.emplace_back();
          counts_.push_back(0);
        },
        model);
    for (std::size_t k = 0; k < moment_count; ++k) {
      moments_.push_back(zeros_like(model));
      if (!rule_.uses(k)) visit([](const Path&, auto& m) { m = std::remove_cvref_t<decltype(m)>(); }, moments_.back());
    }
  }

  /// Gives the parameters whose path matches `pattern` (`"*.bias*"`, see `matches`) options of their own; of several
  /// patterns the first one named wins. Throws where nothing matches.
  Optimizer& group(std::string_view pattern, const GroupOptions& options) {
    detail::require_not_negative("Optimizer::group", "rate_scale", options.rate_scale);
    detail::require_not_negative("Optimizer::group", "weight_decay", options.weight_decay.value_or(0));
    bool any = false;
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      if (!matches(pattern, paths_[i])) continue;
      any = true;
      if (!settings_[i]) settings_[i] = options;
    }
    require(any, "Optimizer::group: no parameter matches '", pattern, "'");
    return *this;
  }

  /// One update of every trainable parameter. `gradient` is zeros_like(model) plus what backward added. Throws what
  /// `check` does, before anything has changed.
  template <class Gradient> void step(Model& model, const Gradient& gradient) {
    check(model, gradient);
    [&]<std::size_t... K>(std::index_sequence<K...>) {
      std::size_t i = 0;
      visit(
          [&](const Path&, auto& w, const auto& g, auto&... m) {
            const std::size_t k = i++;
            if (w.trainable) update(k, w, g, m...);
          },
          model, gradient, moments_[K]...);
    }(std::make_index_sequence<moment_count>());
  }

  /// Throws where `step` cannot be made: a gradient or a moment of another shape than the model's parameter, a model of
  /// other parameters than the optimizer was made for, a table's touched columns outside of it, a count below 0.
  template <class Gradient> void check(const Model& model, const Gradient& gradient) const {
    std::size_t count = 0;
    visit(
        [&](const Path& path, const auto& w, const auto& g) {
          const std::size_t k = count++;
          if (!w.trainable) return;
          if (g.size() == 0)
            fail("Optimizer::step: ", path.str(),
                 " is trainable but has no gradient; if it was thawed since, make the gradient anew by zeros_like");
          check_shape("the gradient", path, g, w);
          detail::check_touched("Optimizer::step", path, g);
          if (k < counts_.size() && (counts_[k] < 0 || counts_[k] == (std::numeric_limits<std::int64_t>::max)()))
            fail("Optimizer::step: ", path.str(), " has been updated ", counts_[k], " times, expected 0 or more");
        },
        model, gradient);
    require(count == paths_.size(), "Optimizer::step: the model has ", count,
            " parameters, the optimizer was made for ", paths_.size());
    for (std::size_t slot = 0; slot < moment_count; ++slot)
      visit(
          [&](const Path& path, const auto& w, const auto& m) {
            if (m.size() > 0) check_shape(R::moments[slot], path, m, w);
          },
          model, moments_[slot]);
  }

  double rate() const { return rule_.rate; }
  void set_rate(double rate) {
    detail::require_not_negative("Optimizer::set_rate", "the rate", rate);
    rule_.rate = rate;
  }
  const R& rule() const { return rule_; }

  /// Updates of each parameter so far, in the order of `visit` and of `paths`.
  std::span<const std::int64_t> counts() const { return counts_; }
  std::span<std::int64_t> counts() { return counts_; }
  const std::vector<std::string>& paths() const { return paths_; }

  /// Calls f(path, name of the moment, moment) for every moment of every parameter of `model`, the one the optimizer
  /// was made for. A moment is a Matrix, of the parameter's shape, or of size 0 where there is none (yet): who loads
  /// gives it the size it had when it was saved.
  template <class F> void visit_state(const Model& model, F&& f) { state(*this, model, f); }
  template <class F> void visit_state(const Model& model, F&& f) const { state(*this, model, f); }

 private:
  static constexpr std::size_t moment_count = R::moments.size();

  template <class Self, class F> static void state(Self& self, const Model& model, F& f) {
    for (std::size_t k = 0; k < moment_count; ++k)
      visit([&](const Path& path, const auto&, auto& m) { f(path, R::moments[k], m); }, model, self.moments_[k]);
  }

  static void check_shape(std::string_view what, const Path& path, const auto& m, const auto& w) {
    if (m.rows() != w.rows() || m.cols() != w.cols())
      fail("Optimizer::step: ", what, " of ", path.str(), " is ", m.rows(), " x ", m.cols(), ", expected ", w.rows(),
           " x ", w.cols());
  }

  template <class W, class G, class... M> void update(std::size_t k, W& w, const G& g, M&... m) {
    using T = typename W::Scalar;
    std::size_t slot = 0;
    (prepare(slot++, w, m), ...);
    const auto& own = settings_[k];
    const Update update{.rate = rule_.rate * (own ? own->rate_scale : 1),
                        .weight_decay = own && own->weight_decay ? *own->weight_decay : rule_.weight_decay,
                        .count = ++counts_[k]};
    const auto run = [&](Index first, Index last) {
      rule_.update(update, last - first, w.data() + first, g.data() + first,
                   std::array<T*, moment_count>{(m.size() > 0 ? m.data() + first : nullptr)...});
    };
    if constexpr (is_table<G>) {
      if (rule_.lazy_tables || !rule_.moved_by_zero(update.weight_decay)) {
        for (const Index column : g.touched) run(column * w.rows(), (column + 1) * w.rows());
        return;
      }
    }
    parallel_ranges(w.size(), 16384, run);
  }
  /// A moment that is in use exists from the first update on.
  template <class W, class M> void prepare(std::size_t slot, const W& w, M& m) const {
    if (m.size() > 0 || !rule_.uses(slot)) return;
    m.resize(w.rows(), w.cols());
    m.setZero();
  }

  R rule_;
  std::vector<Model> moments_;  // [slot]
  std::vector<std::string> paths_;
  std::vector<std::optional<GroupOptions>> settings_;
  std::vector<std::int64_t> counts_;
};
template <class Model, class R> Optimizer(const Model&, R) -> Optimizer<Model, R>;

}  // namespace unroll::inline UNROLL_ABI
