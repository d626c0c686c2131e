// Bodies of io/network.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/io/network.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION std::string kind_name(const NetworkLayer& layer) {
  if (const auto* recurrent = std::get_if<RecurrentLayer>(&layer)) return std::string(name_of(recurrent->cell));
  if (const auto* both = std::get_if<BidirectionalLayer>(&layer))
    return concat_text("bidirectional ", name_of(both->forward.cell));
  if (const auto* activation = std::get_if<ActivationLayer>(&layer)) return std::string(name_of(activation->function));
  return std::holds_alternative<DenseLayer>(layer) ? "dense" : "embedding";
}

namespace detail {

/// Walks a network from layer to layer with the number of values between them; calls `refuse`, which throws, at the
/// first that does not fit.
class NetworkCheck {
 public:
  NetworkCheck(const Network& network, std::string_view where, void (*refuse)(const std::string&))
      : where_(where), refuse_(refuse) {
    check(!network.layers.empty(), "a network without layers");
    for (const NetworkLayer& layer : network.layers) {
      at_ = concat_text(": layer ", number_, " (", kind_name(layer), ")");
      std::visit([this](const auto& weights) { this->layer_of(weights); }, layer);
      ++number_;
    }
    at_.clear();
    range("input_gain", network.input_gain, -max_gain, max_gain);
    range("output_gain", network.output_gain, -max_gain, max_gain);
    if (network.sample_rate) range("sample_rate", *network.sample_rate, min_sample_rate, max_sample_rate);
    if (network.loudness) range("loudness", *network.loudness, -max_loudness, max_loudness);
    if (network.skip)
      check(!network.takes_tokens() && !ended_ && values_ <= inputs_, "skip adds ", inputs_, " inputs to ", values_,
            " outputs of ", ended_ ? "the whole sequence" : "every step", ", expected no more outputs than inputs");
    test_of(network);
  }
  Index inputs() const { return inputs_; }
  Index outputs() const { return values_; }
  bool ended() const { return ended_; }

 private:
  template <class... Parts> void check(bool holds, const Parts&... parts) const {
    if (!holds) refuse_(concat_text(where_, at_, ": ", parts...));
  }
  void range(std::string_view name, double value, double low, double high) const {
    check(has_finite_bits(value) && value >= low && value <= high, name, " is ", value, ", expected ", low, " to ",
          high);
  }
  /// A matrix of this shape, all of it finite.
  void shape(std::string_view name, const Matrix<float>& m, Index rows, Index cols) const {
    check(m.rows() == rows && m.cols() == cols, name, " is ", m.rows(), " x ", m.cols(), ", expected ", rows, " x ",
          cols);
    for (Index k = 0; k < m.size(); ++k)
      check(has_finite_bits(m.data()[k]), "element ", k, " of ", name, " is not a finite number");
  }
  void shape_or_absent(std::string_view name, const Matrix<float>& m, Index rows) const {
    if (m.size() > 0) shape(name, m, rows, 1);
  }
  void takes(Index inputs) {
    check(inputs > 0, "it has no inputs");
    if (number_ == 0) inputs_ = inputs;
    check(number_ == 0 || inputs == values_, "it takes ", inputs, " values, the layer before gives ", values_);
  }

  void recurrent(const RecurrentLayer& w, std::string_view suffix) const {
    check(!name_of(w.cell).empty(), "cell is ", static_cast<int>(w.cell), ", which is none of CellKind");
    const Index H = w.units(), rows = gates_of(w.cell) * H;
    check(H > 0, "it has no units");
    shape(concat_text("weight_ih", suffix), w.weight_ih, rows, w.inputs());
    shape(concat_text("weight_hh", suffix), w.weight_hh, rows, H);
    shape_or_absent(concat_text("bias_ih", suffix), w.bias_ih, rows);
    shape_or_absent(concat_text("bias_hh", suffix), w.bias_hh, rows);
    check(w.bias_hh.size() == 0 || w.bias_ih.size() > 0, "it has a bias_hh", suffix, " without a bias_ih", suffix);
    shape_or_absent(concat_text("initial_h", suffix), w.initial_h, H);
    shape_or_absent(concat_text("initial_c", suffix), w.initial_c, H);
    check(w.cell == CellKind::lstm || w.initial_c.size() == 0, "only an lstm has an initial_c", suffix);
  }
  void layer_of(const RecurrentLayer& w) {
    check(!ended_, "nothing recurrent can follow a final state");
    takes(w.inputs());
    recurrent(w, "");
    values_ = w.units();
    ended_ = w.final_state;
  }
  void layer_of(const BidirectionalLayer& w) {
    check(!ended_, "nothing recurrent can follow a final state");
    takes(w.forward.inputs());
    recurrent(w.forward, "");
    recurrent(w.reverse, "_reverse");
    check(w.forward.cell == w.reverse.cell && w.forward.inputs() == w.reverse.inputs() &&
              w.forward.units() == w.reverse.units(),
          "its directions differ: ", name_of(w.forward.cell), " ", w.forward.inputs(), " -> ", w.forward.units(),
          " and ", name_of(w.reverse.cell), " ", w.reverse.inputs(), " -> ", w.reverse.units());
    check(w.merge >= Merge::concat && w.merge <= Merge::product, "merge is ", static_cast<int>(w.merge),
          ", which is none of Merge");
    values_ = w.forward.units() * (w.merge == Merge::concat ? 2 : 1);
    ended_ = w.final_state;
  }
  void layer_of(const DenseLayer& w) {
    takes(w.weight.cols());
    check(w.weight.rows() > 0, "it has no outputs");
    shape("weight", w.weight, w.weight.rows(), w.weight.cols());
    shape_or_absent("bias", w.bias, w.weight.rows());
    values_ = w.weight.rows();
  }
  void layer_of(const ActivationLayer& w) {
    check(number_ > 0, "a network cannot begin with an activation: nothing says how many values it takes");
    check(!name_of(w.function).empty(), "function is ", static_cast<int>(w.function),
          ", which is none of ActivationKind");
    check(has_finite_bits(w.alpha), "alpha is not a finite number");
    const bool slopes = w.function == ActivationKind::prelu;
    shape("slope", w.slope, slopes ? values_ : 0, slopes ? 1 : 0);
  }
  void layer_of(const EmbeddingLayer& w) {
    check(number_ == 0, "an embedding is not the first layer");
    check(w.weight.size() > 0, "weight is ", w.weight.rows(), " x ", w.weight.cols());
    shape("weight", w.weight, w.weight.rows(), w.weight.cols());
    inputs_ = 1;
    values_ = w.weight.rows();
  }

  void test_of(const Network& network) const {
    const NetworkTest& test = network.test;
    const Index steps = network.takes_tokens() ? static_cast<Index>(test.tokens.size()) : test.input.cols();
    if (test.empty()) return check(test.tokens.empty() && test.input.size() == 0, "the test vector has no output");
    shape("the test vector's input", test.input, network.takes_tokens() ? 0 : inputs_,
          network.takes_tokens() ? 0 : steps);
    shape("the test vector's output", test.output, values_, ended_ ? 1 : steps);
    if (!network.takes_tokens()) return check(test.tokens.empty(), "the test vector is token ids, expected values");
    const Index V = std::get<EmbeddingLayer>(network.layers.front()).weight.cols();
    for (const std::int32_t id : test.tokens)
      check(id >= 0 && id < V, "the test vector has id ", id, ", expected 0 to ", V - 1);
  }

  std::string where_, at_;
  void (*refuse_)(const std::string&);
  Index number_ = 0, inputs_ = 0, values_ = 0;
  bool ended_ = false;
};

/// Of one that is asked for what only a sound network has.
inline NetworkCheck walked(const Network& network) {
  return {network, network.source, &refuse_with<std::invalid_argument>};
}

UNROLL_FUNCTION void check_network(const Network& network, void (*refuse)(const std::string& message)) {
  NetworkCheck(network, network.source.empty() ? "network" : network.source, refuse);
}

}  // namespace detail

UNROLL_FUNCTION Index Network::inputs() const { return detail::walked(*this).inputs(); }
UNROLL_FUNCTION Index Network::outputs() const { return detail::walked(*this).outputs(); }
UNROLL_FUNCTION bool Network::has_final_state() const { return detail::walked(*this).ended(); }

}  // namespace unroll::inline UNROLL_ABI
