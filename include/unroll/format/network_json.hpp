// What the JSON formats have in common: the order of gates, biases, test vectors, what describes a model, writing.
#pragma once

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <unroll/core/utf8.hpp>
#include <unroll/file/json_value.hpp>
#include <unroll/file/replace_file.hpp>
#include <unroll/kind/by_the_book.hpp>
#include <unroll/network/run.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// GRU gates r z n as z r n, and back: the first two blocks of H rows change places.
inline Matrix<float> swap_first_gates(const Matrix<float>& m) {
  const Index H = m.rows() / 3;
  Matrix<float> out = m;
  out.topRows(H) = m.middleRows(H, H);
  out.middleRows(H, H) = m.topRows(H);
  return out;
}
inline Matrix<float> bias_or_zeros(const Matrix<float>& bias, Index rows) {
  return bias.size() > 0 ? bias : Matrix<float>(Matrix<float>::Zero(rows, 1));
}
/// The two biases of a cell that sees only their sum.
inline Matrix<float> summed_bias(const LayerData& w) {
  const Index rows = w.tensor("weight_ih").rows();
  return bias_or_zeros(w.tensor("bias_ih"), rows) + bias_or_zeros(w.tensor("bias_hh"), rows);
}

inline Json json_vector(const Matrix<float>& m) {
  Json list = Json::array();
  for (Index k = 0; k < m.size(); ++k) list.push_back(static_cast<double>(m.data()[k]));
  return list;
}
/// Element (i, j) is [i][j].
inline Json json_rows(const Matrix<float>& m) {
  Json rows = Json::array();
  for (Index i = 0; i < m.rows(); ++i) rows.push_back(json_vector(Matrix<float>(m.row(i))));
  return rows;
}
inline Matrix<float> transposed(const Matrix<float>& m) { return m.transpose(); }

/// A value as text that `json_of` makes the same value of: a string is itself unless it would read as something else.
inline std::string text_of(const Json& value) {
  if (value.is_string() && !Json::accept(value.get_ref<const std::string&>())) return value.get<std::string>();
  return value.dump();
}
/// Of a text in Network::metadata. In an object within another, it is still no deeper than files may be.
inline Json json_of(const std::string& name, const std::string& text, std::string_view writer) {
  const std::string what = concat_text(writer, ": the metadata ", quote(name));
  require(is_valid_utf8(name) && is_valid_utf8(text), what, " is not UTF-8");
  return Json::accept(text) ? JsonTree::parse(concat_text("[[", text, "]]"), what)[0][0] : Json(text);
}
/// A number, or a string that is one and nothing else.
inline double read_number(const JsonAt& at) {
  if (!at.json().is_string()) return at.number();
  const Json number = Json::accept(at.string()) ? JsonTree::parse(at.string(), at.source()) : Json();
  if (!number.is_number()) at.refuse("got ", quote(at.string()), ", expected a number");
  return number.get<double>();
}
inline void read_sample_rate(const JsonAt& at, Network& network) {
  const double rate = read_number(at);
  if (!(rate >= min_sample_rate && rate <= max_sample_rate))
    at.refuse("got ", rate, " Hz, expected ", min_sample_rate, " to ", max_sample_rate);
  if (network.sample_rate && *network.sample_rate != rate)
    at.refuse("got ", rate, " Hz, another place in the file says ", *network.sample_rate);
  network.sample_rate = rate;
}
inline void read_loudness(const JsonAt& at, Network& network) {
  network.loudness = at.number(-max_loudness, max_loudness);
}

template <class Names> bool is_among(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != std::end(names);
}
/// What a file is of is said before anything else that is wrong with it: where there is a word called `name`, it is one
/// of these.
inline void check_architecture(const JsonAt& in, const std::string& name,
                               std::initializer_list<std::string_view> known) {
  if (!in.json().is_object() || !in.has(name)) return;
  const JsonAt at = in.at(name);
  if (!at.json().is_string() || is_among(known, at.string())) return;
  std::string list;
  for (const std::string_view each : known) list += concat_text(list.empty() ? "" : ", ", each);
  at.refuse(quote(at.string()), " is not a recurrent layer this library has (", list, ")");
}

/// Names that say how to compute, in one of these formats or in what is near to them. At the top of a file of a format
/// that has no such member they describe nothing: what it says would be left out of the computation.
inline constexpr std::string_view computing_members[] = {
    "activation",  "architecture", "bias_fl",    "bidirectional", "config",     "gain",         "head_scale",
    "hidden_size", "in_gain",      "in_shape",   "in_skip",       "input_gain", "input_batch",  "input_size",
    "layers",      "metadata",     "model_data", "num_layers",    "out_gain",   "output_batch", "output_gain",
    "output_size", "skip",         "state_dict", "unit_type",     "weights"};
/// Objects and lists at the top of a file that programs are known to write there and not to compute with.
inline constexpr std::string_view descriptive_objects[] = {"date", "notes", "rtneural_metadata", "tags", "training"};
/// Both spellings, at the top and in `metadata`.
inline bool is_sample_rate(std::string_view name) { return name == "sample_rate" || name == "samplerate"; }
/// A word or a number at the top of a file does, but for those names.
inline bool describes(std::string_view name, const Json& value) {
  return !is_among(computing_members, name) && (!value.is_structured() || is_among(descriptive_objects, name));
}

/// All that a file says of its model beside how to compute it: rate, loudness and Network::metadata. `read` are the
/// members that the format's own reader reads.
inline void read_description(const JsonAt& root, std::initializer_list<std::string_view> read, Network& network) {
  for (const auto& [name, value] : root.object().items()) {
    if (is_among(read, name) || name == "metadata") continue;
    if (is_sample_rate(name)) {
      if (const auto rate = root.find(name)) read_sample_rate(*rate, network);
    } else if (describes(name, value)) {
      network.metadata["/" + name] = text_of(value);
    } else {
      root.refuse("nothing here has a place for ", quote(name),
                  is_among(computing_members, name) ? ", which says how to compute" : "");
    }
  }
  const auto metadata = root.find("metadata");
  if (!metadata) return;
  for (const auto& [name, value] : metadata->object().items()) {
    if (is_sample_rate(name)) {
      if (const auto rate = metadata->find(name)) read_sample_rate(*rate, network);
    } else if (name == "loudness") {
      if (const auto loudness = metadata->find(name)) read_loudness(*loudness, network);
    } else if (name.starts_with('/')) {
      metadata->refuse("nothing here has a place for ", quote(name), ": a name here does not begin with '/'");
    } else {
      network.metadata[name] = text_of(value);
    }
  }
}
/// The other way, into a file that has all of its format's own members but for the sample rate in `metadata`. What its
/// reader would take for something else is not written.
inline void write_description(const Network& network, std::string_view writer, Json& root) {
  for (const auto& [name, text] : network.metadata) {
    Json value = json_of(name, text, writer);
    const bool at_top = name.starts_with('/');
    const std::string member = name.substr(at_top ? 1 : 0);
    const bool is_own = at_top ? root.contains(member) || is_among(computing_members, member) : member == "loudness";
    require(!is_own && !is_sample_rate(member), writer, ": the metadata ", quote(name),
            " has the name of something else in this format");
    require(!at_top || describes(member, value), writer, ": the metadata ", quote(name), " is ", json_kind(value),
            ", expected a word or a number beside the layers");
    (at_top ? root : root["metadata"])[member] = std::move(value);
  }
  if (network.loudness) root["metadata"]["loudness"] = *network.loudness;
}

/// A test vector in formats that have none of their own: a list of inputs and a list of outputs, one list per step.
inline constexpr const char* json_test_key = "unroll_test";
inline Json write_test(const NetworkTest& test) {
  return {{"input", json_rows(transposed(test.input))}, {"output", json_rows(transposed(test.output))}};
}
/// A list of numbers where a step has one, a list of lists otherwise: (values, steps).
inline Matrix<float> read_steps(const JsonAt& at, Index values) {
  const auto steps = static_cast<Index>(at.size());
  if (steps == 0) at.refuse("it is empty");
  if (values == 1 && !at[0].is_array()) return transposed(at.vector(steps));
  return transposed(at.matrix(steps, values));
}
inline void read_test(const JsonAt& root, Network& network) {
  const auto test = root.find(json_test_key);
  if (!test) return;
  validate<FormatError>(network);
  test->only({"input", "output"});
  const Index inputs = network.inputs(), outputs = network.outputs();
  network.test.input = read_steps(test->at("input"), inputs);
  network.test.output = read_steps(test->at("output"), outputs);
}

/// What every reader does last.
inline Network checked(Network network) {
  validate<FormatError>(network);
  check_sound_test(network);
  return network;
}
/// What every writer does first. Who: "save_nam".
inline Network ready_to_write(const Network& network) {
  Network ready = network;
  validate(ready);
  add_test(ready);
  return ready;
}
inline void write_json(const std::filesystem::path& path, const Json& json) {
  const std::string text = json.dump() + "\n";
  replace_file(path, std::as_bytes(std::span(text)));
}
/// `read` is a format's own: network_from_nam.
using ReadNetwork = Network (*)(const JsonAt& root);
inline Network read_json_network(std::span<const std::byte> bytes, const std::string& source, ReadNetwork read) {
  const Json tree = parse_json(bytes, source);
  return read(JsonAt(tree, source));
}
inline Network read_json_network(const std::filesystem::path& path, ReadNetwork read) {
  return read_json_network(read_file_of(path, {FileKind::json}), path.string(), read);
}

[[noreturn]] inline void refuse_layer(const Network& network, std::size_t k, std::string_view writer) {
  fail(writer, ": layer ", k, " (", kind_name(network.layers[k]), ") has no place in this format");
}
/// A layer of a network that a format can hold, of one of these kinds, or the sentence that it cannot.
template <class... K> const LayerData& layer_as(const Network& network, std::size_t k, std::string_view writer) {
  if (!(is_kind<K>(network.layers[k]) || ...)) refuse_layer(network, k, writer);
  return network.layers[k];
}
/// Refuses what formats for streams have no words for.
inline void require_plain(const LayerData& w, std::size_t k, std::string_view writer, bool initial_state) {
  const auto refuse = [&](bool has, std::string_view what) {
    require(!has, writer, ": layer ", k, " (", kind_name(w), ") ", what, ", which this format cannot say");
  };
  refuse(w.flag("reverse"), "runs from the last step to the first");
  refuse(w.flag("final_state"), "gives its final state alone");
  for (const std::string_view name : initial_names)
    refuse(!initial_state && w.tensor(name).size() > 0, "has an initial state");
}
inline Index units_of(const LayerData& w) { return describe_layer(w).outputs; }

}  // namespace unroll::inline UNROLL_ABI::detail
