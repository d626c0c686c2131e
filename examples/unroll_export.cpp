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
#include <unroll/format/load_network.hpp>
#include <unroll/network/library_kinds.hpp>
#include <unroll/network/run.hpp>
#include <unroll/stream/kernel/function.hpp>

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
      width_ = describe_layer(layer, width_).outputs;
      const bool known = any_kind<LibraryKinds>([&]<class K>() {
        if (!is_kind<K>(layer)) return false;
        write(static_cast<const K*>(nullptr), layer);
        return true;
      });
      if (!known) refuse(kind_name(layer) + " has no stream of fixed size");
    }
    std::ostringstream out;
    out << "// Written by unroll_export from " << file << ":";
    for (const NetworkLayer& layer : network.layers) out << ' ' << kind_name(layer);
    out << (network.skip ? ", skip" : "") << ".\n// clang-format off\n#pragma once\n\n";
    for (const std::string& include : includes_) out << "#include <unroll/" << include << ">\n";
    out << "\nnamespace " << name << " {\nnamespace weights {\n" << arrays_.str() << "}  // namespace weights\n\n";
    const std::string layers = network.skip ? "unroll::stream::Skip<" + types_ + ">" : types_;
    out << "using Model = unroll::stream::Sequential<" << layers << ">;\n";
    out << "inline constexpr Model model{" << (network.skip ? layers + "(" + values_ + ")" : values_) << "};\n\n";
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
  [[noreturn]] void refuse(std::string_view why) const { fail(prefix_.substr(0, prefix_.size() - 1), ": ", why); }
  void array(const std::string& name, const Matrix<float>& values) {
    arrays_ << "inline constexpr float " << name << "[] = {";
    for (Index k = 0; k < values.size(); ++k)
      arrays_ << (k == 0 ? "" : ",") << (k % 8 == 0 ? "\n    " : " ") << literal(values.data()[k]);
    arrays_ << "};\n";
  }
  /// The array's name, or {} for what is absent.
  std::string weight(std::string_view name, const LayerData& layer) {
    if (layer.tensor(name).size() == 0) return "{}";
    array(concat_text(prefix_, name), layer.tensor(name));
    return concat_text("weights::", prefix_, name);
  }
  void layer(const std::string& header, const std::string& type, const std::string& value) {
    includes_.insert(header);
    types_ += (types_.empty() ? "" : ", ") + type;
    values_ += (values_.empty() ? "" : ", ") + type + value;
  }

  template <class C> void write(const RecurrentKind<C>*, const LayerData& w) {
    if (w.flag("reverse")) refuse("runs from the end of a sequence, which a stream has not seen");
    includes_.insert(std::string(C::header));
    std::string value, initial;
    for (const char* name : {"weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_unit"})
      value += (value.empty() ? "" : ", ") + weight(name, w);
    bool starts = false;
    for (int s = 0; s < C::S; ++s) {
      const std::string state = weight(initial_names[s], w);
      starts = starts || state != "{}";
      initial += (s == 0 ? "" : ", ") + (state == "{}" ? "std::span<const float>()" : state);
    }
    constexpr CellCounts counts = RecurrentKind<C>::counts;
    if (starts || counts.projects) value += ", {" + initial + "}";
    if (counts.projects) value += ", " + weight("weight_hr", w);
    const Description of = describe_layer(w);
    const std::string units = concat_text(w.tensor("weight_ih").rows() / counts.GX, ", ");
    layer(detail::InStages<C> ? "stream/staged.hpp" : "stream/recurrent.hpp",
          concat_text("unroll::stream::", counts.projects ? "Projected" : "", "Recurrent<unroll::", C::name, "<>, ",
                      of.inputs, ", ", counts.projects ? units : "", of.outputs, ">"),
          "({" + value + "})");
  }
  void write(const DenseKind*, const LayerData& w) {
    const std::string W = weight("weight", w), b = weight("bias", w);
    const Description of = describe_layer(w);
    layer("stream/dense.hpp", concat_text("unroll::stream::Dense<", of.inputs, ", ", of.outputs, ">"),
          "(" + W + ", " + b + ")");
  }
  template <class Function> void write(const FunctionKind<Function>*, const LayerData&) {
    layer("stream/activation.hpp", concat_text("unroll::stream::", Function::name, "<>"), "()");
  }
  void write(const EmbeddingKind*, const LayerData& w) {
    const std::string table = weight("weight", w);
    layer("stream/embedding.hpp", concat_text("unroll::stream::Embedding<", describe_layer(w).outputs, ">"),
          "(" + table + ")");
  }
  /// Any other kind: a function of the values of a step, or a sentence.
  template <class K> void write(const K*, const LayerData& w) {
    if constexpr (detail::FunctionOfStep<K>) {
      std::string tensors, numbers;
      for (const TensorForm& form : describe_layer(w, width_).tensors)
        tensors += (tensors.empty() ? "" : ", ") + weight(form.name, w);
      for (const float number : detail::numbers_of<float, detail::FunctionWeights<K, float>::number_count>(w))
        numbers += (numbers.empty() ? "" : ", ") + literal(number);
      const auto braced = [](const std::string& list) { return list.empty() ? "{}" : "{{" + list + "}}"; };
      includes_.insert(std::string(K::header));
      layer("stream/function.hpp", concat_text("unroll::stream::Function<unroll::", K::type, "<>, ", width_, ">"),
            "(" + braced(tensors) + ", " + braced(numbers) + ")");
    } else {
      refuse(K::no_stream);
    }
  }

  std::set<std::string> includes_{"stream/stream.hpp"};
  std::ostringstream arrays_;
  std::string types_, values_, prefix_, text_;
  Index number_ = 0, width_ = 0;  ///< of this layer, and what it gives
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
