// What ails a recurrent network: numbers of its layers on a batch, and the same in words.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include <unroll/layer/recurrent_record.hpp>
#include <unroll/train/train_step.hpp>

namespace unroll::inline UNROLL_ABI {

/// A gate over all units and steps.
struct GateStatistics {
  char name;  ///< as its cell's equations call it
  double mean = 0;
  double shut = 0;  ///< share of its values below 0.1,
  double open = 0;  ///< and above 0.9: the marks of Karpathy, Johnson and Fei-Fei 2015
};

/// A recurrent layer on a batch. A distance of k steps is counted back from where the pass ended: the last step of each
/// sequence, in a reverse layer its first; a sequence counts where it is as long. Of a loss at every step the gradient
/// has a share of each, and hardly falls with the distance.
struct LayerDiagnosis {
  std::string name;                              ///< the path of its W in the model: 1.weight_ih_l0
  std::string who;                               ///< Recurrent<Lstm>
  std::vector<double> gradient;                  ///< at k: |dL/ds|, s all of a state; root mean square over sequences
  std::vector<std::vector<double>> gradient_of;  ///< the same of h, of c, ..
  /// The same of |dL/ds| over all that the loss asked of this step and those behind it: the sum of |dL/ds| at the last
  /// one and |dL/dy| at the others. At most 1 where no Jacobian's norm is above 1. Empty: it asked for nothing.
  std::vector<double> signal;
  std::vector<GateStatistics> gates;
  double saturated = 0;  ///< share of |h| > 0.95, where tanh' is less than a tenth; 0 where some |h| > 1
  double dead = 0;       ///< share of units whose h is one value at all steps of all sequences, up to 1e-6

  /// The shortest distance over which less than `part` of the signal arrives; that of all steps where more does.
  UNROLL_API Index reach(double part = 0.01) const;
};

/// Of a trace that backward has filled. Throws for another.
UNROLL_API LayerDiagnosis diagnose(const RecurrentTrace& trace);

/// From where on something is said. Each has its reason or its source; a healthy network is within all of them.
struct DiagnosisLimits {
  /// Least signal at the first step. float's epsilon: what is added to a weight's gradient beside a number so much
  /// larger is lost in rounding.
  double vanishing = 1.1920928955078125e-7;
  /// Largest signal. Above 1 there was growth, without which nothing explodes (Pascanu, Mikolov and Bengio 2013); the
  /// two digits more leave room for what a network makes of a step that matters.
  double exploding = 100;
  double stuck = 0.9;      ///< most values of a gate at its ends. At 0.1 or 0.9 its slope is a third of what it was
  double saturated = 0.9;  ///< most values of h at the ends of tanh (Glorot and Bengio 2010 count them layer by layer)
  double dead = 0.1;       ///< most units that say nothing: the layer is so much narrower than it costs
};

enum class Ailment { not_finite, vanishing, exploding, gate_shut, gate_open, gate_saturated, saturated, dead };

/// Something that is wrong, with the number that shows it, its limit, and what may help.
struct Finding {
  Ailment what;
  std::string layer;
  double value, limit;
  std::string text;  ///< a sentence
};

struct Diagnosis {
  std::vector<LayerDiagnosis> layers;

  UNROLL_API std::vector<Finding> findings(const DiagnosisLimits& limits = {}) const;
  /// A line for each, and one for each layer of which nothing is found.
  UNROLL_API std::string report(const DiagnosisLimits& limits = {}) const;
};

namespace detail {
using NamesOfParameters = std::vector<std::pair<const void*, std::string>>;
UNROLL_API Diagnosis diagnose(const RecurrentRecord& record, std::span<const NamesOfParameters::value_type> names);
}  // namespace detail

/// Every recurrent layer of a model: one pass forward and back over a batch, with a copy of all steps in double. The
/// model stays as it is. In a callback: `[&](Run& run) { log << diagnose(run.model<M>(), loss, x, labels).report(); }`.
template <class M, class L, class In, class Targets> requires Model<M, In>
Diagnosis diagnose(const M& model, const L& loss, const In& x, const Targets& targets, Context context = {}) {
  RecurrentRecord record;
  context.recurrent = &record;
  Workspace<M, In> work(model);
  add_gradient(model, loss, x, targets, work, context);
  detail::NamesOfParameters names;
  visit([&](const Path& path, const auto& p) { names.emplace_back(&p, path.str()); }, model);
  return detail::diagnose(record, names);
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/diagnosis.ipp>
#endif
