// A gradient check for any layer or model, the user's own included.
#pragma once

#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

#include <unroll/head/head_loss.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

struct GradientReport {
  double worst = 0;   ///< largest relative error
  std::string where;  ///< `1.weight_hh_l0[7]`, `initial.h[3]`, `x[12]`
  double analytic = 0, numeric = 0;
  Index elements = 0;  ///< compared

  bool passed(double tolerance = 1e-6) const { return elements > 0 && worst <= tolerance; }
  std::string str() const {
    return concat_text(elements, " elements, worst ", worst, " at ", where, ": backward says ", analytic,
                       ", central difference ", numeric);
  }
};

struct GradientCheckOptions {
  Context context{};          ///< training = true checks dropout too: the masks are a function of the context
  double difference = 1e-3;   ///< step of the fourth-order central difference
  std::uint64_t seed = 1;     ///< of the projection and the initial state
  bool initial_state = true;  ///< false starts from the layer's own (zero, or learned)
};

/// Fills all parameters with U(-scale, scale): distinct values, so that swapped gates show.
template <Visitable M> void randomize(M& model, Rng rng, double scale = 0.7) {
  require(detail::has_finite_bits(scale), "randomize: scale ", scale, ", expected a finite number");
  visit(
      [&](const Path&, auto& p) {
        for (Index k = 0; k < p.size(); ++k)
          p.data()[k] = static_cast<typename std::remove_cvref_t<decltype(p)>::Scalar>(rng.uniform(-scale, scale));
      },
      model);
}

namespace detail {
/// Fourth-order central differences of loss() beside gradients.
template <class F> struct Differences {
  const F& loss;
  double difference;
  GradientReport report{};

  template <class Name> void compare(double& at, double analytic, double largest, const Name& name) {
    const double keep = at;
    const auto f = [&](double k) {
      at = keep + k * difference;
      const double value = loss();
      at = keep;
      return value;
    };
    const double numeric = (8 * (f(1) - f(-1)) - (f(2) - f(-2))) / (12 * difference);
    const double scale = (std::max)({std::abs(analytic), std::abs(numeric), 1e-3 * largest, 1e-12});
    const double error = std::abs(analytic - numeric) / scale;
    ++report.elements;
    if (!(error <= report.worst)) report = {error, name(), analytic, numeric, report.elements};
  }
  template <class Tensor, class Analytic>
  void compare_all(Tensor& tensor, const Analytic& analytic, const std::string& name) {
    const double largest = analytic.size() > 0 ? analytic.cwiseAbs().maxCoeff() : 0;
    for (Index k = 0; k < tensor.size(); ++k)
      compare(tensor.data()[k], analytic.data()[k], largest, [&] { return concat_text(name, "[", k, "]"); });
  }
  /// The trainable parameters, whose gradient was `before` before.
  template <class M> void compare_parameters(M& model, const M& gradient, const M& before) {
    visit(
        [&](const Path& path, auto& p, const auto& g, const auto& b) {
          if (p.trainable) compare_all(p, Matrix<double>(g - b), path.str());
        },
        model, gradient, before);
  }
};
template <class F> Differences(const F&, double) -> Differences<F>;
inline void check_difference(double difference) {
  require(difference > 0 && has_finite_bits(difference), "check_gradient: difference ", difference,
          ", expected a finite number above 0");
}
/// A gradient that has something in it already, so that one that is assigned instead of added shows.
template <class M> M filled_gradient(const M& model, Rng& rng) {
  M gradient = zeros_like(model);
  visit(
      [&](const Path&, auto& p) {
        if constexpr (!is_table<decltype(p)>)  // of a table only touched columns may differ from zero
          for (Index k = 0; k < p.size(); ++k) p.data()[k] = rng.uniform(-1, 1);
      },
      gradient);
  return gradient;
}

template <class M, class In> GradientReport check_gradient(M& model, In& x, const GradientCheckOptions& options) {
  check_difference(options.difference);
  using State = typename M::State;
  const Context& context = options.context;
  CacheFor<M, In> cache;
  Rng rng = Rng(options.seed).child(1);
  const auto fill_random = [&](auto& m) {
    for (Index k = 0; k < m.size(); ++k) m.data()[k] = rng.uniform(-1, 1);
  };
  State initial{}, final{}, d_final{}, d_initial{};
  model.forward(context, x, cache, {nullptr, &initial});  // the sizes
  d_final = initial;
  visit_state([&](const Path&, auto& field) { fill_random(field); }, initial);
  visit_state([&](const Path&, auto& field) { fill_random(field); }, d_final);
  const State* const start = options.initial_state ? &initial : nullptr;
  auto dy = model.forward(context, x, cache, {start, &final});
  fill_random(values(dy));

  const auto loss = [&] {
    double sum = values(model.forward(context, x, cache, {start, &final})).cwiseProduct(values(dy)).sum();
    visit_state([&](const Path&, const auto& a, const auto& b) { sum += a.cwiseProduct(b).sum(); }, final, d_final);
    return sum;
  };
  const M before = filled_gradient(model, rng);
  M gradient = before;
  loss();
  std::vector<Matrix<double>> dx;  // one for each input; empty for token ids
  const auto take = [&]<class D>(const D& d) {
    if constexpr (std::same_as<D, Nothing>)
      dx.emplace_back();
    else
      dx.push_back(values(d));
  };
  if constexpr (is_inputs<In>)
    std::apply([&](const auto&... d) { (take(d), ...); },
               model.backward(x, dy, cache, gradient, {&d_final, &d_initial}));
  else
    take(model.backward(x, dy, cache, gradient, {&d_final, &d_initial}));

  Differences check(loss, options.difference);
  check.compare_parameters(model, gradient, before);
  if (start != nullptr)
    visit_state([&](const Path& path, auto& s,
                    const auto& d) { check.compare_all(s, Matrix<double>(d), "initial." + path.str()); },
                initial, d_initial);
  const auto compare_input = [&](auto& input, std::size_t k) {
    if constexpr (!Tokens<std::remove_cvref_t<decltype(input)>>)
      check.compare_all(values(input), dx[k], is_inputs<In> ? concat_text("x", k) : "x");
  };
  with_inputs(x, [&](auto&... input) {
    std::size_t k = 0;
    (compare_input(input, k++), ...);
  });
  return check.report;
}

template <class M, class L, class In, class Targets>
GradientReport check_gradient(M& model, const L& loss, In& x, const Targets& targets,
                              const GradientCheckOptions& options) {
  check_difference(options.difference);
  CacheFor<M, In> cache;
  HeadScratch<M> scratch;
  const auto loss_of = [&] {
    decltype(auto) bound = bind_loss(loss, model, static_cast<M*>(nullptr), scratch);
    return compute_loss(bound, model.forward(options.context, x, cache), targets).loss;
  };
  Rng rng = Rng(options.seed).child(1);
  const M before = filled_gradient(model, rng);
  M gradient = before;
  typename M::template Output<In> d_output;
  decltype(auto) bound = bind_loss(loss, model, &gradient, scratch);
  compute_loss(bound, model.forward(options.context, x, cache), targets, d_output);
  Matrix<double> dx;
  if constexpr (Tokens<In>)
    model.backward(x, d_output, cache, gradient);
  else
    dx = values(model.backward(x, d_output, cache, gradient));
  Differences check(loss_of, options.difference);
  check.compare_parameters(model, gradient, before);
  if constexpr (!Tokens<In>) check.compare_all(values(x), dx, "x");
  return check.report;
}
}  // namespace detail

/// Compares `backward` with fourth-order central differences of
///   loss = sum(R .* output) + sum(R' .* final state),   R, R' random,
/// over every parameter that is trainable, every element of the input and of the initial state. The gradient is filled
/// with known values first, so that one that is assigned instead of added shows. An element's error is
/// |a - b| / max(|a|, |b|, 1e-3 * largest of its tensor). The model's scalar type must be double.
/// Cost: four forward passes an element.
template <class M, class In> GradientReport check_gradient(M model, In x, const GradientCheckOptions& options = {}) {
  constexpr bool in_double = std::same_as<typename M::Scalar, double>;
  static_assert(in_double, "unroll::check_gradient: differences need double");
  if constexpr (in_double)
    return detail::check_gradient(model, x, options);
  else
    return {};
}

/// The same of a loss: of a model with a loss of one's own, or, with HeadLoss{}, with a head of one's own, whose
/// parameters get their gradient from its loss. Compares the gradients of parameters and input with differences of the
/// loss for these targets.
template <class M, class L, class In, class Targets>
GradientReport check_gradient(M model, const L& loss, In x, const Targets& targets,
                              const GradientCheckOptions& options = {}) {
  constexpr bool in_double = std::same_as<typename M::Scalar, double>;
  static_assert(in_double, "unroll::check_gradient: differences need double");
  constexpr bool paired = detail::assert_loss_of<M, L>();
  if constexpr (in_double && paired)
    return detail::check_gradient(model, loss, x, targets, options);
  else
    return {};
}

}  // namespace unroll::inline UNROLL_ABI
