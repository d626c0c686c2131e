// Between a network and a model with types: what the model is, and its weights from a file of another program.
#pragma once

#include <concepts>
#include <string_view>
#include <vector>

#include <unroll/io/network_layers.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// A layer's parameters that are there, by their own names: weight_ih, bias_hh, initial_h.
template <class L> void read_fields(const L& layer, RecurrentLayer& to) {
  visit(
      [&](const Path& path, const auto& p) {
        Matrix<float>& field = path.name == "weight_ih"   ? to.weight_ih
                               : path.name == "weight_hh" ? to.weight_hh
                               : path.name == "bias_ih"   ? to.bias_ih
                               : path.name == "bias_hh"   ? to.bias_hh
                               : path.name == "initial_h" ? to.initial_h
                                                          : to.initial_c;
        field = p.template cast<float>();
      },
      layer);
}
template <class C> RecurrentLayer describe_layer(const Recurrent<C>& layer, bool final) {
  RecurrentLayer to{.cell = network_cell<C>, .reverse = layer.options.reverse, .final_state = final};
  read_fields(layer, to);
  return to;
}
template <class C> BidirectionalLayer describe_layer(const Bidirectional<C>& layer, bool final) {
  return {describe_layer(layer.ahead, false), describe_layer(layer.back, false), layer.merge, final};
}
template <class T> DenseLayer describe_layer(const Dense<T>& layer, bool) {
  return {layer.weight.template cast<float>(), layer.bias.template cast<float>()};
}
template <class T> EmbeddingLayer describe_layer(const Embedding<T>& layer, bool) {
  return {layer.weight.template cast<float>()};
}
template <class L> ActivationLayer describe_layer(const L& layer, bool) { return {.function = kind_of(layer)}; }

template <class L> void describe(const L& layer, bool final, std::vector<NetworkLayer>& to) {
  to.emplace_back(describe_layer(layer, final));
}
/// r = W_r h is a dense layer behind an LSTM, whose U r is (U W_r) h.
template <class T> void describe(const Recurrent<ProjectedLstm<T>>& layer, bool final, std::vector<NetworkLayer>& to) {
  require(layer.initial[0].size() == 0, "network_of: ", layer.describe(),
          " has a learned initial state, which an LSTM and a dense layer do not give");
  const ProjectedLstm<T>& cell = layer.cell;
  RecurrentLayer w{.cell = CellKind::lstm, .reverse = layer.options.reverse, .final_state = final};
  w.weight_ih = layer.weight_ih.template cast<float>();
  w.weight_hh =
      (cell.weight_hh.template cast<double>() * cell.weight_hr.template cast<double>()).template cast<float>();
  w.bias_ih = layer.bias_ih.template cast<float>();
  w.bias_hh = cell.bias_hh.template cast<float>();
  to.emplace_back(std::move(w));
  to.emplace_back(DenseLayer{cell.weight_hr.template cast<float>(), {}});
}

/// A network's layers into a model's, one by one. Everything is checked before the first number moves.
class NetworkAssign {
 public:
  NetworkAssign(const Network& network, bool write) : network_(network), write_(write) {}

  template <class L> void operator()(L& layer, const Path& at, bool final) {
    where_ = concat("assign: layer ", number_, " of ", network_.source.empty() ? "the network" : network_.source);
    if (number_ >= network_.layers.size())
      fail(where_, ": there is none, the model has ", at.str(), " ", layer.describe());
    into(layer, final, network_.layers[number_++]);
  }
  void finish() const {
    require(number_ == network_.layers.size(), "assign: the network has ", network_.layers.size(),
            " layers, the model takes ", number_);
  }

 private:
  template <class Wanted, class L> const Wanted& as(const NetworkLayer& from, const L& layer) const {
    const auto* wanted = std::get_if<Wanted>(&from);
    require(wanted != nullptr, where_, " is ", kind_name(from), ", the model has ", layer.describe());
    return *wanted;
  }
  /// An absent matrix of the network stands for zeros only where `or_zeros` says so.
  template <class T> void set(std::string_view name, const Matrix<float>& from, Parameter<T>& to, bool or_zeros) const {
    const bool zeros = from.size() == 0 && or_zeros;
    require(zeros || (from.rows() == to.rows() && from.cols() == to.cols()) || (from.size() == 0 && to.size() == 0),
            where_, ": ", name, " is ", from.rows(), " x ", from.cols(), ", the model's ", to.rows(), " x ", to.cols());
    if (!write_ || to.size() == 0) return;
    if (zeros)
      to.setZero();
    else
      to = from.template cast<T>();
  }
  template <class C> void recurrent(Recurrent<C>& layer, const RecurrentLayer& w) const {
    require(w.cell == network_cell<C>, where_, " is ", name_of(w.cell), ", the model has ", layer.describe());
    set("weight_ih", w.weight_ih, layer.weight_ih, false);
    set("weight_hh", w.weight_hh, layer.cell.weight_hh, false);
    set("bias_ih", w.bias_ih, layer.bias_ih, false);
    set("bias_hh", w.bias_hh, layer.cell.bias_hh, w.bias_ih.size() > 0);
    set("initial_h", w.initial_h, layer.initial[0], true);
    if constexpr (Recurrent<C>::S > 1) set("initial_c", w.initial_c, layer.initial[1], true);
  }
  void same(bool model, bool network, std::string_view what) const {
    require(model == network, where_, network ? ": " : ": not ", what, ", the model's is", network ? " not" : "");
  }
  template <class C> void into(Recurrent<C>& layer, bool final, const NetworkLayer& from) const {
    const auto& w = as<RecurrentLayer>(from, layer);
    same(layer.options.reverse, w.reverse, "from the last step to the first");
    same(final, w.final_state, "its final state alone");
    recurrent(layer, w);
  }
  template <class C> void into(Bidirectional<C>& layer, bool final, const NetworkLayer& from) const {
    const auto& w = as<BidirectionalLayer>(from, layer);
    same(final, w.final_state, "its final state alone");
    require(layer.merge == w.merge, where_, ": another merge of the two directions than the model's");
    recurrent(layer.ahead, w.ahead);
    recurrent(layer.back, w.back);
  }
  template <class T> void into(Dense<T>& layer, bool, const NetworkLayer& from) const {
    const auto& w = as<DenseLayer>(from, layer);
    set("weight", w.weight, layer.weight, false);
    set("bias", w.bias, layer.bias, false);
  }
  template <class T> void into(Embedding<T>& layer, bool, const NetworkLayer& from) const {
    set<T>("weight", as<EmbeddingLayer>(from, layer).weight, layer.weight, false);
  }
  template <class L> void into(L& layer, bool, const NetworkLayer& from) const {
    const auto& w = as<ActivationLayer>(from, layer);
    require(w.function == kind_of(layer), where_, " is ", name_of(w.function), ", the model has ", layer.describe());
  }

  const Network& network_;
  bool write_;
  std::size_t number_ = 0;
  std::string where_;
};

}  // namespace detail

/// A model that a network can hold: Sequential, Stack and FinalState of the library's recurrent, bidirectional, dense,
/// embedding and activation layers; a user's cell or struct is not one.
template <class M>
concept NetworkModel = detail::has_network<std::remove_const_t<M>>;

/// The model as a network, in float: for streams of any size and the writers of other programs' formats. An LSTM with a
/// projection becomes an LSTM and a dense layer. Throws std::invalid_argument where that has a learned initial state.
template <class M> requires detail::has_description<M>
Network network_of(const M& model) {
  Network network;
  const Path root;
  detail::walk_layers(model, root, false, [&](const auto& layer, const Path&, bool final) {
    detail::describe(layer, final, network.layers);
  });
  validate(network);
  return network;
}

struct AssignOptions {
  /// The network's skip and gains, which a model of layers does not have, are the caller's to apply.
  bool layers_alone = false;
};

/// Sets every parameter of the model from the network's layers, in order; Dropout takes none. Strict: kinds, sizes,
/// direction and merge must be the model's; a model without a second bias or a learned initial state does not take a
/// network that has them, one with them gets zeros where the network has none. Throws std::invalid_argument naming the
/// layer; the model is then as it was.
template <NetworkModel M> void assign(const Network& network, M& model, AssignOptions options = {}) {
  validate(network);
  require(options.layers_alone || (!network.skip && network.input_gain == 1 && network.output_gain == 1),
          "assign: the network has a skip or gains, which the model does not have (AssignOptions::layers_alone)");
  const Path root;
  for (const bool write : {false, true}) {
    detail::NetworkAssign each(network, write);
    detail::walk_layers(model, root, false, each);
    each.finish();
  }
}

}  // namespace unroll::inline UNROLL_ABI
