// Bodies of network/network.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/network/library_kinds.hpp>
#include <unroll/network/network.hpp>

namespace unroll::inline UNROLL_ABI {

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
      check(layer.kind != nullptr, "it has no kind");
      add(layer);
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
  /// Of single layers.
  NetworkCheck(std::string_view where, void (*refuse)(const std::string&)) : where_(where), refuse_(refuse) {}
  Index inputs() const { return inputs_; }
  Index outputs() const { return values_; }
  bool ended() const { return ended_; }

  /// The layer by itself: what its kind says that it has, and nothing else.
  Description alone(const NetworkLayer& layer, Index before, std::string_view suffix) const {
    Description d = describe_layer(layer, before);
    check(layer.parts.size() == d.parts.size(), "it has ", layer.parts.size(), " parts, expected ", d.parts.size());
    for (std::size_t k = 0; k < layer.parts.size(); ++k) {
      check(layer.parts[k].kind != nullptr, "its part ", d.parts[k], " has no kind");
      alone(layer.parts[k], before, k == 0 ? "" : "_reverse");
    }
    check(d.flaw.empty(), d.flaw);
    for (const TensorForm& form : d.tensors)
      if (form.rank == TensorRank::table)
        check(form.rows * form.cols > 0, form.name, suffix, " is ", form.rows, " x ", form.cols);
    check(d.takes_any || d.inputs > 0, "it has no inputs");
    check(d.takes_any || d.outputs > 0, "it has no ", d.output_noun);
    for (const TensorForm& form : d.tensors) {
      const Matrix<float>& m = layer.tensor(form.name);
      if (form.need == Need::required || m.size() > 0) shape(concat_text(form.name, suffix), m, form.rows, form.cols);
      check(form.beside.empty() || m.size() == 0 || layer.tensor(form.beside).size() > 0, "it has a ", form.name,
            suffix, " without a ", form.beside, suffix);
    }
    for (const auto& [name, m] : layer.tensors)
      check(m.size() == 0 || std::ranges::find(d.tensors, name, &TensorForm::name) != d.tensors.end(), layer.kind->name,
            " has no ", name, suffix);
    for (const OptionForm& form : d.options) option(layer, form);
    for (const auto& [name, value] : layer.options)
      check(std::ranges::find(d.options, name, &OptionForm::name) != d.options.end(), layer.kind->name,
            " has no option ", name);
    return d;
  }

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

  void option(const NetworkLayer& layer, const OptionForm& form) const {
    const auto found = layer.options.find(form.name);
    if (found == layer.options.end()) return;
    check(found->second.index() == form.usual.index(), form.name, " is ",
          std::holds_alternative<bool>(found->second)     ? "a flag"
          : std::holds_alternative<double>(found->second) ? "a number"
                                                          : "a word",
          ", expected ",
          std::holds_alternative<bool>(form.usual)     ? "a flag"
          : std::holds_alternative<double>(form.usual) ? "a number"
                                                       : "a word");
    if (const double* value = std::get_if<double>(&found->second)) range(form.name, *value, form.low, form.high);
    if (const std::string* value = std::get_if<std::string>(&found->second))
      check(std::ranges::find(form.words, *value) != form.words.end(), form.name, " is '", *value, "'", ", expected ",
            words_of(form));
  }
  void add(const NetworkLayer& layer) {
    const Description d = alone(layer, values_, "");
    check(number_ > 0 || !d.takes_any, "a network cannot begin with it: nothing says how many values it takes");
    check(number_ == 0 || !d.takes_tokens, "takes token ids and is not the first layer");
    check(!d.is_recurrent || !ended_, "nothing recurrent can follow a final state");
    if (number_ == 0) inputs_ = d.inputs;
    check(number_ == 0 || d.inputs == values_, "it takes ", d.inputs, " values, the layer before gives ", values_);
    values_ = d.outputs;
    if (d.is_recurrent) ended_ = layer.flag("final_state");
    if (number_ == 0) tokens_ = d.tokens();
  }

  void test_of(const Network& network) const {
    const NetworkTest& test = network.test;
    const Index steps = network.takes_tokens() ? static_cast<Index>(test.tokens.size()) : test.input.cols();
    if (test.empty()) return check(test.tokens.empty() && test.input.size() == 0, "the test vector has no output");
    shape("the test vector's input", test.input, network.takes_tokens() ? 0 : inputs_,
          network.takes_tokens() ? 0 : steps);
    shape("the test vector's output", test.output, values_, ended_ ? 1 : steps);
    if (!network.takes_tokens()) return check(test.tokens.empty(), "the test vector is token ids, expected values");
    for (const std::int32_t id : test.tokens)
      check(id >= 0 && id < tokens_, "the test vector has id ", id, ", expected 0 to ", tokens_ - 1);
  }

  std::string where_, at_;
  void (*refuse_)(const std::string&);
  Index number_ = 0, inputs_ = 0, values_ = 0, tokens_ = 0;
  bool ended_ = false;
};

UNROLL_FUNCTION Description check_layer(const LayerData& layer, Index before, std::string_view where,
                                        void (*refuse)(const std::string&)) {
  return NetworkCheck(where, refuse).alone(layer, before, "");
}
/// Of one that is asked for what only a sound network has.
inline NetworkCheck walked(const Network& network) {
  return {network, network.source, &refuse_with<std::invalid_argument>};
}

UNROLL_FUNCTION void check_network(const Network& network, void (*refuse)(const std::string& message)) {
  NetworkCheck(network, network.source.empty() ? "network" : network.source, refuse);
}

}  // namespace detail

UNROLL_FUNCTION KindTable library_kinds() { return kind_table<LibraryKinds>(); }

UNROLL_FUNCTION Index Network::inputs() const { return detail::walked(*this).inputs(); }
UNROLL_FUNCTION Index Network::outputs() const { return detail::walked(*this).outputs(); }
UNROLL_FUNCTION bool Network::has_final_state() const { return detail::walked(*this).ended(); }

}  // namespace unroll::inline UNROLL_ABI
