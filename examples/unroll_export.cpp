// Writes a model as a C++ header of constants: no file system, no heap, no parser where it runs.
//
//   unroll_export amp.nam amp.hpp --name amp
//
// then, in a program that may have neither exceptions nor run-time types:
//
//   #include "amp.hpp"
//   unroll::stream::Stream<const amp::Model&> stream(amp::model);
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <set>
#include <span>
#include <sstream>
#include <string>

#include <CLI/CLI.hpp>

#include <unroll/file/replace_file.hpp>
#include <unroll/io/load_network.hpp>
#include <unroll/io/network_run.hpp>

using namespace unroll;

namespace {

/// A float to the last bit.
std::string literal(float value) {
  char text[40];
  std::snprintf(text, sizeof text, "%af", double(value));
  return text;
}

class Header {
 public:
  Header(const Network& network, const std::string& name, const std::string& file) {
    for (const NetworkLayer& layer : network.layers) {
      prefix_ = concat_text("layer", number_++, "_");
      std::visit([this](const auto& weights) { write(weights); }, layer);
    }
    std::ostringstream out;
    out << "// Written by unroll_export from " << file << ":";
    for (const NetworkLayer& layer : network.layers) out << ' ' << kind_name(layer);
    out << (network.skip ? ", skip" : "") << ".\n// clang-format off\n#pragma once\n\n";
    for (const std::string& include : includes_) out << "#include <unroll/" << include << ">\n";
    out << "\nnamespace " << name << " {\nnamespace weights {\n" << arrays_.str() << "}  // namespace weights\n\n";
    const std::string layers = network.skip ? "unroll::stream::Skip<" + types_ + ">" : types_;
    out << "using Model = unroll::stream::Sequential<" << layers << ">;\n";
    out << "inline constexpr Model model" << (network.skip ? "(" + layers : std::string()) << "(" << values_ << ")"
        << (network.skip ? ")" : "") << ";\n\n";
    out << "inline constexpr float input_gain = " << literal(static_cast<float>(network.input_gain))
        << ", output_gain = " << literal(static_cast<float>(network.output_gain)) << ";\n";
    if (network.sample_rate)
      out << "inline constexpr float sample_rate = " << literal(float(*network.sample_rate)) << ";\n";
    arrays_.str("");
    if (network.takes_tokens()) {
      out << "inline constexpr int test_input[] = {";
      for (const auto id : network.test.tokens) out << id << ", ";
      out << "};\n";
    } else {
      array("test_input", network.test.input);
    }
    array("test_output", network.test.output);
    out << "// Without the gains.\n" << arrays_.str() << "\n}  // namespace " << name << "\n";
    text_ = out.str();
  }
  const std::string& text() const { return text_; }

 private:
  [[noreturn]] void refuse(std::string_view what) const {
    fail(prefix_.substr(0, prefix_.size() - 1), ": ", what, " has no stream of fixed size");
  }
  void array(const std::string& name, const Matrix<float>& values) {
    arrays_ << "inline constexpr float " << name << "[] = {";
    for (Index k = 0; k < values.size(); ++k)
      arrays_ << (k == 0 ? "" : ",") << (k % 8 == 0 ? "\n    " : " ") << literal(values.data()[k]);
    arrays_ << "};\n";
  }
  /// The array's name, or {} for what is absent.
  std::string weight(const char* name, const Matrix<float>& values) {
    if (values.size() == 0) return "{}";
    array(prefix_ + name, values);
    return "weights::" + prefix_ + name;
  }
  void layer(const std::string& header, const std::string& type, const std::string& value) {
    includes_.insert(header);
    types_ += (types_.empty() ? "" : ", ") + type;
    values_ += (values_.empty() ? "" : ", ") + type + value;
  }

  void write(const RecurrentLayer& w) {
    if (w.reverse) fail(prefix_, "runs from the end of a sequence, which a stream has not seen");
    const auto [header, cell] = [&]() -> std::pair<const char*, const char*> {
      switch (w.cell) {
        case CellKind::lstm:
          return {"cell/lstm.hpp", "Lstm"};
        case CellKind::gru:
          return {"cell/gru.hpp", "Gru"};
        case CellKind::gru_reset_before:
          return {"stream/gru_reset_before.hpp", "GruResetBefore"};
        default:
          return {"cell/rnn.hpp", w.cell == CellKind::rnn_relu ? "ReluRnn" : "Rnn"};
      }
    }();
    includes_.insert(header);
    const std::string W = weight("weight_ih", w.weight_ih), U = weight("weight_hh", w.weight_hh),
                      b = weight("bias_ih", w.bias_ih), b_h = weight("bias_hh", w.bias_hh),
                      h = weight("initial_h", w.initial_h), c = weight("initial_c", w.initial_c);
    std::string value = "({" + W + ", " + U + ", " + b + ", " + b_h;
    if (h != "{}" || c != "{}") value += ", {}, {" + (w.cell == CellKind::lstm ? h + ", " + c : h) + "}";
    layer("stream/recurrent.hpp",
          concat_text("unroll::stream::Recurrent<unroll::", cell, "<>, ", w.inputs(), ", ", w.units(), ">"),
          value + "})");
  }
  void write(const DenseLayer& w) {
    const std::string W = weight("weight", w.weight), b = weight("bias", w.bias);
    layer("stream/dense.hpp", concat_text("unroll::stream::Dense<", w.weight.cols(), ", ", w.weight.rows(), ">"),
          "(" + W + ", " + b + ")");
  }
  void write(const ActivationLayer& w) {
    switch (w.function) {
      case ActivationKind::tanh:
        return layer("stream/activation.hpp", "unroll::stream::Tanh<>", "()");
      case ActivationKind::relu:
        return layer("stream/activation.hpp", "unroll::stream::Relu<>", "()");
      case ActivationKind::sigmoid:
        return layer("stream/activation.hpp", "unroll::stream::Sigmoid<>", "()");
      default:
        refuse(name_of(w.function));
    }
  }
  void write(const EmbeddingLayer& w) {
    const std::string table = weight("weight", w.weight);
    layer("stream/embedding.hpp", concat_text("unroll::stream::Embedding<", w.weight.rows(), ">"), "(" + table + ")");
  }
  void write(const BidirectionalLayer&) { fail(prefix_, "is bidirectional: it reads its sequence from the end, too"); }

  std::set<std::string> includes_{"stream/stream.hpp"};
  std::ostringstream arrays_;
  std::string types_, values_, prefix_, text_;
  Index number_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Writes a model as a C++ header of constants."};
  std::string from, to, name = "model_data";
  app.add_option("model", from, "safetensors, RTNeural, AIDA-X or GuitarML JSON, .nam")->required();
  app.add_option("header", to, "the file to write")->required();
  app.add_option("--name", name, "of the namespace in it")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    Network network = load_network(std::filesystem::path(from));
    add_test(network, 32);
    const Header header(network, name, std::filesystem::path(from).filename().string());
    replace_file(to, std::as_bytes(std::span(header.text())));
    std::cout << to << ": " << network.layers.size() << " layers\n";
  } catch (const std::exception& error) {
    std::cerr << "unroll_export: " << error.what() << '\n';
    return 1;
  }
}
