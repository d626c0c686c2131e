// What the JSON formats have in common: the order of gates, biases, test vectors, metadata, writing.
#pragma once

#include <array>
#include <filesystem>
#include <span>
#include <string>

#include <unroll/core/utf8.hpp>
#include <unroll/file/json_value.hpp>
#include <unroll/file/replace_file.hpp>
#include <unroll/io/network_run.hpp>

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
inline Matrix<float> summed_bias(const RecurrentLayer& w) {
  const Index rows = w.weight_ih.rows();
  return bias_or_zeros(w.bias_ih, rows) + bias_or_zeros(w.bias_hh, rows);
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
inline Json json_of(const std::string& text) {
  return Json::accept(text) ? JsonTree::parse(text, "metadata") : Json(text);
}
/// The members of an object of which nothing is known but that it belongs to the model.
inline void read_metadata(const JsonAt& at, std::map<std::string, std::string>& to) {
  for (const auto& [name, value] : at.object().items()) to[name] = text_of(value);
}
inline Json write_metadata(const Network& network) {
  Json object = Json::object();
  for (const auto& [name, text] : network.metadata) {
    require(is_valid_utf8(name) && is_valid_utf8(text), "save: the metadata ", quote(name), " is not UTF-8");
    object[name] = json_of(text);
  }
  return object;
}
/// A number, or a string that is one and nothing else.
inline double read_number(const JsonAt& at) {
  if (!at.json().is_string()) return at.number();
  const Json number = Json::accept(at.string()) ? JsonTree::parse(at.string(), at.source()) : Json();
  if (!number.is_number()) at.refuse("got ", quote(at.string()), ", expected a number");
  return number.get<double>();
}
inline double read_sample_rate(const JsonAt& at) {
  const double rate = read_number(at);
  if (!(rate >= min_sample_rate && rate <= max_sample_rate))
    at.refuse("got ", rate, " Hz, expected ", min_sample_rate, " to ", max_sample_rate);
  return rate;
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
  check_test(network);
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

Network network_from_guitarml(const JsonAt& root);
Network network_from_nam(const JsonAt& root);
Network network_from_rtneural(const JsonAt& root);

/// A layer of a network that a format can hold, or the sentence that it cannot.
template <class Layer> const Layer& layer_as(const Network& network, std::size_t k, std::string_view writer) {
  const auto* layer = std::get_if<Layer>(&network.layers[k]);
  require(layer != nullptr, writer, ": layer ", k, " (", kind_name(network.layers[k]), ") has no place in this format");
  return *layer;
}
/// Refuses what formats for streams have no words for.
inline void require_plain(const RecurrentLayer& w, std::size_t k, std::string_view writer, bool initial_state) {
  const auto refuse = [&](bool has, std::string_view what) {
    require(!has, writer, ": layer ", k, " (", name_of(w.cell), ") ", what, ", which this format cannot say");
  };
  refuse(w.reverse, "runs from the last step to the first");
  refuse(w.final_state, "gives its final state alone");
  refuse(!initial_state && (w.initial_h.size() > 0 || w.initial_c.size() > 0), "has an initial state");
}

}  // namespace unroll::inline UNROLL_ABI::detail
