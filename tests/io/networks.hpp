// What the tests of networks share: the files in tests/data/io, what the frameworks computed, and changed copies.
#pragma once

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <nlohmann/json.hpp>

#include <unroll/file/safetensors.hpp>
#include <unroll/format/load_network.hpp>
#include <unroll/network/run.hpp>

#include "support.hpp"

inline std::filesystem::path io_file(const std::string& name) {
  return std::filesystem::path(UNROLL_TEST_DATA) / "io" / name;
}
inline std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}
inline nlohmann::json json_file(const std::string& name) { return nlohmann::json::parse(text_of_file(io_file(name))); }

/// The network of a text, called `changed` in messages.
inline unroll::Network network_of_text(const std::string& text) {
  return unroll::load_network(std::as_bytes(std::span(text)), "changed");
}
/// Why a file is refused after `change(json)`; "" if it is not.
template <class Change> std::string refusal(const std::string& name, const Change& change) {
  auto json = json_file(name);
  change(json);
  return message_of([&] { network_of_text(json.dump()); });
}

/// What a framework computed: NAME.x and NAME.y of pytorch, keras or onnx.safetensors, (values, steps).
struct Computed {
  unroll::Matrix<double> x, y;
  std::vector<std::int32_t> ids;

  Computed(const std::string& framework, const std::string& name) {
    const auto file = unroll::read_safetensors(io_file(framework + ".safetensors"));
    if (file.tensor(name + ".x").dtype == unroll::Dtype::i64)
      ids = file.elements<std::int32_t>(name + ".x");
    else
      x = file.matrix<double>(name + ".x").transpose();
    y = file.matrix<double>(name + ".y").transpose();
  }
};

inline double largest_error(const unroll::Matrix<double>& got, const unroll::Matrix<double>& expected) {
  REQUIRE(got.rows() == expected.rows());
  REQUIRE(got.cols() == expected.cols());
  return (got - expected).cwiseAbs().maxCoeff() / expected.cwiseAbs().maxCoeff();
}

/// The network computes what the framework did, in double.
inline void check_computes(unroll::Network network, const std::string& framework, const std::string& name) {
  CAPTURE(name);
  const Computed computed(framework, name);
  unroll::Matrix<double> got;
  if (network.takes_tokens()) {
    network.test = {};
    network.test.tokens = computed.ids;
    got = unroll::detail::run_test_input(network);
  } else {
    got = unroll::run_network(network, computed.x);
  }
  CHECK(largest_error(got, computed.y) <= 1e-12);
}

/// Two networks say the same, up to rounding of biases that were added.
inline void check_same_network(const unroll::Network& a, const unroll::Network& b) {
  REQUIRE(a.layers.size() == b.layers.size());
  for (std::size_t k = 0; k < a.layers.size(); ++k)
    CHECK(unroll::kind_name(a.layers[k]) == unroll::kind_name(b.layers[k]));
  CHECK(a.skip == b.skip);
  CHECK(a.input_gain == doctest::Approx(b.input_gain).epsilon(1e-12));
  CHECK(a.output_gain == doctest::Approx(b.output_gain).epsilon(1e-12));
  CHECK(a.sample_rate == b.sample_rate);
  CHECK(a.loudness == b.loudness);
  CHECK(a.metadata == b.metadata);
  unroll::Matrix<double> x(a.inputs(), 9);
  for (unroll::Index k = 0; k < x.size(); ++k) x.data()[k] = std::sin(1.7 * double(k));
  CHECK(largest_error(unroll::run_network(b, x), unroll::run_network(a, x)) <= 2e-7);
}
