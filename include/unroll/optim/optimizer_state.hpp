// What an optimizer remembers and does, without the types of its model and its rule.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <unroll/core/parallel.hpp>
#include <unroll/core/parameter.hpp>
#include <unroll/optim/rule.hpp>
#include <unroll/optim/runs.hpp>

namespace unroll::inline UNROLL_ABI {

/// What a group of parameters has of its own.
struct GroupOptions {
  double rate_scale = 1;                    ///< times the optimizer's rate, so schedules reach every group
  std::optional<double> weight_decay = {};  ///< none: the rule's
};

namespace detail {

/// What a rule remembers of one parameter; the other of the two is empty.
struct Moment {
  Matrix<float> floats;
  Matrix<double> doubles;

  template <class T> Matrix<T>& of() {
    if constexpr (std::is_same_v<T, float>)
      return floats;
    else
      return doubles;
  }
  template <class T> const Matrix<T>& of() const {
    if constexpr (std::is_same_v<T, float>)
      return floats;
    else
      return doubles;
  }
};

/// A rule, which somebody else owns, for parameters of T.
template <class T> struct AnyRule {
  const void* rule;
  double rate, weight_decay;
  bool lazy_tables;
  bool (*uses)(const void* rule, std::size_t slot);
  bool (*moved_by_zero)(const void* rule, double weight_decay);
  /// Of a parameter's elements first .. last - 1.
  void (*update)(const void* rule, const Update& by, Index first, Index last, T* w, const T* g, Moment* moments);

  template <class R>
  explicit AnyRule(const R& of)
      : rule(&of),
        rate(of.rate),
        weight_decay(of.weight_decay),
        lazy_tables(of.lazy_tables),
        uses([](const void* r, std::size_t slot) -> bool { return static_cast<const R*>(r)->uses(slot); }),
        moved_by_zero(
            [](const void* r, double decay) -> bool { return static_cast<const R*>(r)->moved_by_zero(decay); }),
        update([](const void* r, const Update& by, Index first, Index last, T* w, const T* g, Moment* moments) {
          std::array<T*, R::moments.size()> own{};
          for (std::size_t slot = 0; slot < own.size(); ++slot)
            if (Matrix<T>& m = moments[slot].template of<T>(); m.size() > 0) own[slot] = m.data() + first;
          static_cast<const R*>(r)->update(by, last - first, w + first, g + first, own);
        }) {}
};

struct OptimizerState {
  std::vector<std::string> paths;                     ///< of the parameters
  std::vector<std::optional<GroupOptions>> settings;  ///< of each
  std::vector<std::int64_t> counts;                   ///< updates of each
  std::vector<Moment> moments;                        ///< of the first parameter, of the second, ...
  std::size_t moment_count;                           ///< of each

  UNROLL_API explicit OptimizerState(std::size_t moment_count);
  UNROLL_API OptimizerState(const OptimizerState& other);
  UNROLL_API OptimizerState(OptimizerState&& other) noexcept;
  UNROLL_API OptimizerState& operator=(const OptimizerState& other);
  UNROLL_API OptimizerState& operator=(OptimizerState&& other) noexcept;
  UNROLL_API ~OptimizerState();

  /// Throws for a parameter that there is not.
  template <class T> Matrix<T>& moment(std::size_t parameter, std::size_t slot) {
    check_parameter(parameter);
    return moments[parameter * moment_count + slot].template of<T>();
  }
  template <class T> const Matrix<T>& moment(std::size_t parameter, std::size_t slot) const {
    check_parameter(parameter);
    return moments[parameter * moment_count + slot].template of<T>();
  }
  UNROLL_API void check_parameter(std::size_t parameter) const;

  /// The next parameter of the model; `w` gets moments if it is trainable.
  template <class T> UNROLL_API void add(const Path& path, const Parameter<T>& w, const AnyRule<T>& rule);
  UNROLL_API void group(std::string_view pattern, const GroupOptions& options);
  template <class T>
  UNROLL_API void update(std::size_t parameter, Matrix<T>& w, const Matrix<T>& g, const std::vector<Index>* touched,
                         const AnyRule<T>& rule);
};

/// A shape, and what the messages say of it.
UNROLL_API void check_step_shape(std::string_view what, const Path& path, Index rows, Index cols, Index expected_rows,
                                 Index expected_cols);

template <class R> struct AddParameters {
  OptimizerState& state;
  const R& rule;
  template <class P> void operator()(const Path& path, const P& p) const {
    using T = typename P::Scalar;
    state.add<T>(path, p, AnyRule<T>(rule));
  }
};
template <class R> struct UpdateParameters {
  OptimizerState& state;
  const R& rule;
  std::size_t next = 0;
  template <class W, class G> void operator()(const Path&, W& w, const G& g) {
    using T = typename W::Scalar;
    const std::size_t k = next++;
    if (w.trainable) state.update<T>(k, w, g, touched_columns(g), AnyRule<T>(rule));
  }
};
struct CheckGradients {
  const OptimizerState& state;
  std::size_t count = 0;
  template <class W, class G> void operator()(const Path& path, const W& w, const G& g) {
    if (w.trainable) check(path, w.rows(), w.cols(), g.rows(), g.cols(), touched_columns(g));
    ++count;
  }
  UNROLL_API void check(const Path& path, Index rows, Index cols, Index g_rows, Index g_cols,
                        const std::vector<Index>* touched) const;
  UNROLL_API void finish() const;
};
struct CheckMoments {
  const OptimizerState& state;
  std::size_t slot;
  std::string_view name;
  std::size_t next = 0;
  template <class W> void operator()(const Path& path, const W& w) {
    const auto& m = state.moment<typename W::Scalar>(next++, slot);
    if (m.size() > 0 && (m.rows() != w.rows() || m.cols() != w.cols()))
      check_step_shape(name, path, m.rows(), m.cols(), w.rows(), w.cols());
  }
};

template <class T> void OptimizerState::add(const Path& path, const Parameter<T>& w, const AnyRule<T>& rule) {
  paths.push_back(path.str());
  settings.emplace_back();
  counts.push_back(0);
  for (std::size_t slot = 0; slot < moment_count; ++slot) {
    Matrix<T>& m = moments.emplace_back().template of<T>();
    if (!w.trainable || !rule.uses(rule.rule, slot)) continue;
    m.resize(w.rows(), w.cols());
    m.setZero();
  }
}

template <class T>
void OptimizerState::update(std::size_t parameter, Matrix<T>& w, const Matrix<T>& g, const std::vector<Index>* touched,
                            const AnyRule<T>& rule) {
  Moment* const own_moments = moments.data() + parameter * moment_count;
  for (std::size_t slot = 0; slot < moment_count; ++slot) {
    Matrix<T>& m = own_moments[slot].template of<T>();
    if (m.size() > 0 || !rule.uses(rule.rule, slot)) continue;  // one that is in use exists from the first update on
    m.resize(w.rows(), w.cols());
    m.setZero();
  }
  const auto& own = settings[parameter];
  const Update by{.rate = rule.rate * (own ? own->rate_scale : 1),
                  .weight_decay = own && own->weight_decay ? *own->weight_decay : rule.weight_decay,
                  .count = ++counts[parameter]};
  const auto run = [&](Index first, Index last) {
    rule.update(rule.rule, by, first, last, w.data(), g.data(), own_moments);
  };
  if (touched != nullptr && (rule.lazy_tables || !rule.moved_by_zero(rule.rule, by.weight_decay))) {
    for (const Index column : *touched) run(column * w.rows(), (column + 1) * w.rows());
    return;
  }
  parallel_ranges(w.size(), 16384, run);
}

#define UNROLL_OPTIMIZER_STATE_INSTANCES(DECLARE, T)                                                        \
  DECLARE void OptimizerState::add(const Path&, const Parameter<T>&, const AnyRule<T>&);                    \
  DECLARE void OptimizerState::update(std::size_t, Matrix<T>&, const Matrix<T>&, const std::vector<Index>*, \
                                      const AnyRule<T>&);
#if !UNROLL_HEADER_ONLY
UNROLL_OPTIMIZER_STATE_INSTANCES(extern template, float)
UNROLL_OPTIMIZER_STATE_INSTANCES(extern template, double)
#endif

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/optim/optimizer_state.ipp>
#endif
