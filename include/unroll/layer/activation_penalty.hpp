// Large activations, and activations that change, made costly in training.
#pragma once

#include <string>
#include <string_view>

#include <unroll/core/batch_size.hpp>
#include <unroll/core/parallel.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

struct ActivationPenaltyOptions {
  double activation = 0;  ///< alpha of AR, on h^2
  double temporal = 0;    ///< beta of TAR, on the squared change from a step to the next
};

/// The identity, whose backward in training adds the gradient of
///   alpha mean(h_t^2) + beta mean((h_t - h_{t-1})^2)
/// to that of h: means over all elements, of all steps and of all steps but each sequence's first. Activation and
/// temporal activation regularization of Merity, McCann and Socher 2017. Like weight decay it is no part of the loss
/// that is reported. AWD-LSTM has alpha on the last layer's output behind its dropout, beta on it before:
/// `Recurrent{..}, ActivationPenalty{{.temporal = 1}}, Dropout{..}, ActivationPenalty{{.activation = 2}}`.
/// Where a batch is a part of one, its penalty counts by Context::share.
template <class T = float> class ActivationPenalty {
 public:
  using Scalar = T;
  using State = Nothing;
  using Options = ActivationPenaltyOptions;
  static constexpr bool identity_in_inference = true;
  template <Vectors<T> In> using Output = In;

  Options options;

  template <Vectors<T> In> struct Cache {
    In y, dx;
    BatchShare share;
    bool active = false, want_dx = true;
    const In& output() const { return y; }
  };

  explicit ActivationPenalty(Options how) : options(how) { check_options(); }

  /// Throws for a temporal penalty of a Matrix, which has no steps.
  template <Vectors<T> In>
  const In& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> = {}) const {
    check_options();
    check_columns(who, x);
    check_steps<In>();
    c.active = context.training;
    c.share = context.share;
    if (c.active) check_batch(who, x);
    if (!context.gradients) {
      values(c.y).resize(0, 0);  // nothing for a backward pass
      return x;
    }
    shape_like(c.y, x, values(x).rows());
    values(c.y) = values(x);
    return c.y;
  }
  template <Vectors<T> In>
  const In& backward(const In& x, const In& dy, Cache<In>& c, ActivationPenalty&, Carry<State> = {}) const {
    detail::require_forward(who, x, c.y);
    detail::require_features(who, values(x), values(c.y).rows());
    detail::require_gradient(who, dy, c.y);
    shape_like(c.dx, x, values(x).rows());
    values(c.dx) = values(dy);
    if (c.active) add_gradient(x, c.share, c.dx);
    return c.dx;
  }
  /// What training adds to the loss for these activations, as a whole batch.
  template <Vectors<T> In> double penalty(const In& h) const {
    check_options();
    check_batch(who, h);
    check_steps<In>();
    const Counts n(h);
    const auto squares = [](const auto& m) { return m.template cast<double>().squaredNorm(); };
    double sum = n.elements > 0 ? options.activation * squares(values(h)) / n.elements : 0;
    if constexpr (is_packed<In>)
      for (Index t = 1; t < h.packing.steps(); ++t)
        sum += options.temporal / n.changes * squares(step(h, t) - step(h, t - 1).leftCols(h.packing.batch_size(t)));
    return sum;
  }
  void initialize(Rng, const Scheme&) {}
  std::string describe() const {
    return concat_text("ActivationPenalty of ", options.activation, ", temporal of ", options.temporal);
  }
  template <class F, class... Self> static void visit(F&&, const Path&, Self&...) {}

 private:
  static constexpr std::string_view who = "ActivationPenalty";

  /// Elements that a mean is over.
  struct Counts {
    double elements, changes = 0;
    template <class In> explicit Counts(const In& h) : elements(static_cast<double>(values(h).size())) {
      if constexpr (is_packed<In>) changes = static_cast<double>(values(h).rows() * BatchSize(h.packing).changes);
    }
  };

  void check_options() const {
    detail::require_not_negative(who, "activation", options.activation);
    detail::require_not_negative(who, "temporal", options.temporal);
  }
  template <class In> void check_steps() const {
    require(is_packed<In> || options.temporal == 0, who,
            ": a temporal penalty of one vector for each sequence, expected one for each step");
  }
  template <class Sequence> static auto step(Sequence& h, Index t) {
    return h.values.middleCols(h.packing.offset(t), h.packing.batch_size(t));
  }
  /// d += 2 alpha h / elements
  void add_gradient(const Matrix<T>& h, const BatchShare& share, Matrix<T>& d) const {
    if (h.size() > 0) d += static_cast<T>(2 * options.activation * share.sequences / Counts(h).elements) * h;
  }
  /// and at each step 2 beta / changes times its change from the step before, less the change to the step after.
  void add_gradient(const PackedSequence<T>& h, const BatchShare& share, PackedSequence<T>& d) const {
    const Counts n(h);
    if (n.elements <= 0) return;
    const auto alpha = static_cast<T>(2 * options.activation * share.steps / n.elements);
    const auto beta = static_cast<T>(n.changes > 0 ? 2 * options.temporal * share.changes / n.changes : 0);
    parallel_ranges(h.packing.steps(), 4, [&](Index first, Index last) {
      for (Index t = first; t < last; ++t) {
        auto dt = step(d, t);
        dt += alpha * step(h, t);
        if (t > 0) dt += beta * (step(h, t) - step(h, t - 1).leftCols(dt.cols()));
        if (t + 1 == h.packing.steps()) continue;
        const Index n_next = h.packing.batch_size(t + 1);
        dt.leftCols(n_next) += beta * (step(h, t).leftCols(n_next) - step(h, t + 1));
      }
    });
  }
};
ActivationPenalty(ActivationPenaltyOptions) -> ActivationPenalty<>;

}  // namespace unroll::inline UNROLL_ABI
