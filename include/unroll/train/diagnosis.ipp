// Bodies of train/diagnosis.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iomanip>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/train/diagnosis.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Means of what there is at each distance.
class MeanByDistance {
 public:
  void add(Index k, double value) {
    if (static_cast<Index>(sum_.size()) <= k) sum_.resize(std::size_t(k) + 1), count_.resize(std::size_t(k) + 1);
    sum_[std::size_t(k)] += value, count_[std::size_t(k)] += 1;
  }
  std::vector<double> roots() const {
    std::vector<double> of(sum_.size());
    for (std::size_t k = 0; k < of.size(); ++k) of[k] = std::sqrt(sum_[k] / count_[k]);
    return of;
  }

 private:
  std::vector<double> sum_, count_;
};

UNROLL_FUNCTION void add_gradients(const RecurrentTrace& trace, LayerDiagnosis& layer) {
  const Packing& p = trace.packing;
  MeanByDistance all, share;
  std::vector<MeanByDistance> each(trace.d_states.size());
  for (Index j = 0; j < p.batch(); ++j) {
    double asked = 0;
    for (Index k = 0; k < p.length(j); ++k) {
      const Index n = p.offset(trace.reverse ? k : p.length(j) - 1 - k) + j;
      double squares = 0;
      for (std::size_t s = 0; s < each.size(); ++s) {
        const double of_state = trace.d_states[s].col(n).squaredNorm();
        each[s].add(k, of_state);
        squares += of_state;
      }
      all.add(k, squares);
      asked += k == 0 ? std::sqrt(squares) : trace.d_output.col(n).norm();
      if (asked > 0) share.add(k, squares / (asked * asked));
    }
  }
  layer.gradient = all.roots(), layer.signal = share.roots();
  for (const MeanByDistance& of_state : each) layer.gradient_of.push_back(of_state.roots());
}
UNROLL_FUNCTION void add_gates(const RecurrentTrace& trace, LayerDiagnosis& layer) {
  const auto gates = static_cast<Index>(trace.gate_names.size());
  for (Index g = 0; g < gates; ++g) {
    GateStatistics gate{.name = trace.gate_names[std::size_t(g)]};
    if (gate.name == '-' || trace.gates.size() == 0) continue;
    const Index rows = trace.gates.rows() / gates;
    const auto size = static_cast<double>(rows * trace.gates.cols());
    for (Index n = 0; n < trace.gates.cols(); ++n)
      for (Index k = g * rows; k < (g + 1) * rows; ++k) {
        const double value = trace.gates(k, n);
        gate.mean += value / size;
        gate.shut += value < 0.1 ? 1 / size : 0;
        gate.open += value > 0.9 ? 1 / size : 0;
      }
    layer.gates.push_back(gate);
  }
}
UNROLL_FUNCTION void add_units(const Matrix<double>& h, LayerDiagnosis& layer) {
  if (h.size() == 0) return;
  double saturated = 0, most = 0;
  for (Index k = 0; k < h.size(); ++k) {
    most = (std::max)(most, std::abs(h.data()[k]));
    saturated += std::abs(h.data()[k]) > 0.95 ? 1 : 0;
  }
  if (most <= 1) layer.saturated = saturated / static_cast<double>(h.size());
  for (Index u = 0; u < h.rows() && h.cols() > 1; ++u) {
    double least = h(u, 0), largest = h(u, 0);
    for (Index n = 1; n < h.cols(); ++n) least = (std::min)(least, h(u, n)), largest = (std::max)(largest, h(u, n));
    if (largest - least <= 1e-6) layer.dead += 1 / static_cast<double>(h.rows());
  }
}

/// Two digits: 1.3e-09, 0.42, 17.
UNROLL_FUNCTION std::string brief(double value) {
  std::ostringstream text;
  text << std::setprecision(value >= 10 && value < 1000 ? 3 : 2) << value;
  return text.str();
}
UNROLL_FUNCTION std::string percent(double share) {
  return concat_text(static_cast<Index>(std::round(100 * share)), " %");
}

/// The sentences about one layer.
class LayerFindings {
 public:
  LayerFindings(const LayerDiagnosis& layer, const DiagnosisLimits& limits, std::vector<Finding>& to)
      : layer_(layer), limits_(limits), to_(to) {}

  void write() const {
    const bool finite =
        std::all_of(layer_.gradient.begin(), layer_.gradient.end(), [](double norm) { return has_finite_bits(norm); });
    if (finite)
      gradients();
    else
      add(Ailment::not_finite, 1, 0,
          "the gradient is no finite number: a lower learning rate, a smaller U or clipping before this happens would "
          "help");
    for (const GateStatistics& gate : layer_.gates) this->gate(gate);
    if (layer_.saturated > limits_.saturated)
      add(Ailment::saturated, layer_.saturated, limits_.saturated,
          concat_text("the units are saturated: ", percent(layer_.saturated),
                      " of h is beyond 0.95, where tanh' is less "
                      "than a tenth, more than ",
                      percent(limits_.saturated),
                      " (Glorot and Bengio 2010); inputs of a smaller scale or smaller weights would help"));
    if (layer_.dead > limits_.dead)
      add(Ailment::dead, layer_.dead, limits_.dead,
          concat_text(
              "units are dead: ", percent(layer_.dead), " have one value at all steps, more than ",
              percent(limits_.dead),
              " (a layer that is so much narrower than it costs); a lower learning rate, biases that start higher "
              "or another activation would help"));
  }

 private:
  void add(Ailment what, double value, double limit, const std::string& text) const {
    to_.push_back({what, layer_.name, value, limit, concat_text(layer_.name, " (", layer_.who, "): ", text)});
  }
  bool has_gate(char name) const {
    return std::any_of(layer_.gates.begin(), layer_.gates.end(), [&](const auto& gate) { return gate.name == name; });
  }
  void gradients() const {
    if (layer_.signal.size() < 2) return;
    const double first = layer_.signal.back();
    const auto largest = std::max_element(layer_.signal.begin(), layer_.signal.end());
    if (first < limits_.vanishing)
      add(Ailment::vanishing, first, limits_.vanishing,
          concat_text("gradients vanish: ", brief(first), " of what the loss asks for arrives ",
                      layer_.signal.size() - 1, " steps before the last, less than ", brief(limits_.vanishing),
                      " (what float loses in a sum), and less than 1 % over ", layer_.reach(), " steps; ",
                      has_gate('f')          ? "a larger forget bias, attention"
                      : layer_.gates.empty() ? "a gated cell"
                                             : "an LSTM with a larger forget bias, attention",
                      " or a shorter window would help"));
    if (*largest > limits_.exploding)
      add(Ailment::exploding, *largest, limits_.exploding,
          concat_text(
              "gradients explode: ", brief(*largest), " times what the loss asks for arrives ",
              largest - layer_.signal.begin(), " steps before the last, more than ", brief(limits_.exploding),
              " times (there is growth above 1: Pascanu et al. 2013); clipping their norm, a smaller or orthogonal "
              "U or a lower learning rate would help"));
  }
  void gate(const GateStatistics& gate) const {
    const auto stuck = [&](Ailment what, double share, std::string_view how, std::string_view help) {
      add(what, share, limits_.stuck,
          concat_text("gate ", gate.name, " is ", how, ": ", percent(gate.shut), " of its values are below 0.1 and ",
                      percent(gate.open), " above 0.9 (Karpathy et al. 2015), more than ", percent(limits_.stuck), "; ",
                      help));
    };
    if (gate.shut > limits_.stuck)
      stuck(Ailment::gate_shut, gate.shut, "shut",
            gate.name == 'f' ? "the cell forgets all it knows: a larger forget bias would help"
                             : "a larger bias, smaller weights or inputs of a smaller scale would help");
    else if (gate.open > limits_.stuck && gate.name != 'f' && gate.name != 'z')  // which keep what is known
      stuck(Ailment::gate_open, gate.open, "open",
            "a smaller bias, smaller weights or inputs of a smaller scale would help");
    else if (gate.shut + gate.open > limits_.stuck && gate.shut > 0.1)
      stuck(Ailment::gate_saturated, gate.shut + gate.open, "saturated",
            "smaller weights or inputs of a smaller scale would help");
  }

  const LayerDiagnosis& layer_;
  const DiagnosisLimits& limits_;
  std::vector<Finding>& to_;
};

UNROLL_FUNCTION Diagnosis diagnose(const RecurrentRecord& record,
                                   std::span<const NamesOfParameters::value_type> names) {
  Diagnosis all;
  for (const auto& [address, name] : names)
    for (Index k = 0, call = 0; k < record.size(); ++k) {
      if (record[k].weight_ih != address || !record[k].is_filled()) continue;
      all.layers.push_back(unroll::diagnose(record[k]));
      all.layers.back().name = call++ == 0 ? name : concat_text(name, ", call ", call);
    }
  return all;
}
}  // namespace detail

UNROLL_FUNCTION Index LayerDiagnosis::reach(double part) const {
  for (std::size_t k = 0; k < signal.size(); ++k)
    if (signal[k] < part) return static_cast<Index>(k);
  return static_cast<Index>(signal.size());
}

UNROLL_FUNCTION LayerDiagnosis diagnose(const RecurrentTrace& trace) {
  require(trace.is_filled(), "diagnose: the trace of ", trace.who, " is of a pass without a backward pass");
  LayerDiagnosis layer;
  layer.name = layer.who = std::string(trace.who);
  detail::add_gradients(trace, layer);
  detail::add_gates(trace, layer);
  detail::add_units(trace.states[0], layer);
  return layer;
}

UNROLL_FUNCTION std::vector<Finding> Diagnosis::findings(const DiagnosisLimits& limits) const {
  std::vector<Finding> all;
  for (const LayerDiagnosis& layer : layers) detail::LayerFindings(layer, limits, all).write();
  return all;
}

UNROLL_FUNCTION std::string Diagnosis::report(const DiagnosisLimits& limits) const {
  std::string text;
  for (const LayerDiagnosis& layer : layers) {
    std::vector<Finding> found;
    detail::LayerFindings(layer, limits, found).write();
    for (const Finding& finding : found) text += finding.text + "\n";
    if (found.empty())
      text += concat_text(layer.name, " (", layer.who, "): nothing is wrong; ",
                          layer.signal.empty() ? std::string("the loss asks for nothing")
                                               : concat_text(detail::brief(layer.signal.back()),
                                                             " times what the loss asks for arrives ",
                                                             layer.signal.size() - 1, " steps before the last"),
                          "\n");
  }
  return text;
}

}  // namespace unroll::inline UNROLL_ABI
