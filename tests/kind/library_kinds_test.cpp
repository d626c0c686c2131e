// Everything that follows from being in the list of kinds: a new one is tested by its line there.
#include <algorithm>
#include <limits>

#include <doctest/doctest.h>

#include <unroll/format/load_network.hpp>
#include <unroll/format/network_writer.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/stream/compiled_units.hpp>
#include <unroll/stream/of_model.hpp>
#include <unroll/stream/stream.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../io/support.hpp"
#include "kinds.hpp"

using namespace unroll;

namespace {

template <class Change> std::string flaw_of(Network network, const Change& change) {
  change(network.layers.back());
  return message_of<std::invalid_argument>([&] { validate(network); });
}
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// The columns of one sequence of a packed batch, the b-th in its order, one behind the other.
template <class T> Matrix<double> sequence_of(const PackedSequence<T>& x, Index b) {
  Matrix<double> all(x.values.rows(), x.packing.length(b));
  for (Index t = 0; t < all.cols(); ++t) all.col(t) = x.values.col(x.packing.offset(t) + b).template cast<double>();
  return all;
}
Matrix<double> sequence_of(const TokenBatch& x, Index b) {
  Matrix<double> all(1, x.packing.length(b));
  for (Index t = 0; t < all.cols(); ++t) all(0, t) = x.ids[static_cast<std::size_t>(x.packing.offset(t) + b)];
  return all;
}
void check_same_layer(const LayerData& a, const LayerData& b) {
  CHECK(kind_name(a) == kind_name(b));
  for (const OptionForm& form : describe_layer(a).options) {
    const auto value = [&](const LayerData& of) {
      const auto found = of.options.find(form.name);
      return found == of.options.end() ? form.usual : found->second;
    };
    CHECK(value(a) == value(b));
  }
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (const auto& [name, values] : a.tensors) CHECK(values == b.tensor(name));
  REQUIRE(a.parts.size() == b.parts.size());
  for (std::size_t k = 0; k < a.parts.size(); ++k) check_same_layer(a.parts[k], b.parts[k]);
}

/// The stream of fixed size of `model_of_kind`: functions of values and tables say no width of their own.
template <class K, class Model> auto stream_of_fixed_size() {
  if constexpr (requires { K::takes_tokens; })
    return stream::StreamOf<Model, kind_outputs>();
  else if constexpr (requires { K::takes_any; })
    return stream::StreamOf<Model, kind_inputs, kind_inputs>();
  else if constexpr (detail::FunctionOfStep<K>)
    return stream::StreamOf<Model, kind_inputs>();
  else if constexpr (requires { requires K::counts.projects; })
    return stream::StreamOf<Model, kind_inputs, kind_units, kind_outputs>();
  else
    return stream::StreamOf<Model, kind_inputs, kind_outputs>();
}
template <class K> void check_streams(const Network& network) {
  if constexpr (requires { K::no_stream; }) {
    if (!network.takes_tokens()) {
      CHECK(has(message_of<std::invalid_argument>([&] { stream::AnyModel(network, stream::CompiledUnits<>()); }),
                K::no_stream));
      return;
    }
  }
  const auto check = [&](auto& model) {
    constexpr Index steps = 70;
    std::vector<float> y(static_cast<std::size_t>(steps * network.outputs()));
    Matrix<double> expected;
    if constexpr (requires { K::takes_tokens; }) {
      Network asked = network;
      for (Index t = 0; t < steps; ++t) asked.test.tokens.push_back(static_cast<std::int32_t>(t % kind_inputs));
      expected = detail::run_test_input(asked);
      model.process(asked.test.tokens, y);
    } else {
      const auto x = random_matrix<float>(kind_inputs, steps, 8);
      expected = run_network(network, x.template cast<double>());
      model.process(std::span(x.data(), static_cast<std::size_t>(x.size())), y);
    }
    const double largest = expected.cwiseAbs().maxCoeff();
    for (std::size_t k = 0; k < y.size(); ++k) CHECK(std::abs(double(y[k]) - expected.data()[k]) <= 2e-6 * largest);
  };
  stream::AnyModel of_any_size(network, stream::CompiledUnits<>());
  check(of_any_size);
  if constexpr (TrainedKind<K>) {
    const auto model = model_of_kind<K, float>(network);
    stream::Stream<decltype(stream_of_fixed_size<K, decltype(model)>())> fixed;
    fixed.assign(model);
    check(fixed);
  }
}

}  // namespace

TEST_CASE("every kind has a name of its own") {
  std::vector<std::string_view> names;
  for_each_kind<LibraryKinds>([&]<class K>() { names.push_back(K::name); });
  std::ranges::sort(names);
  CHECK(std::ranges::adjacent_find(names) == names.end());
  for (const std::string_view name : names) CHECK(find_kind(library_kinds(), name)->name == name);
  CHECK(find_kind(library_kinds(), "transformer") == nullptr);
}

TEST_CASE("every kind: what does not fit is refused with its name") {
  for_each_kind<LibraryKinds>([]<class K>() {
    CAPTURE(K::name);
    for (const bool all : {false, true}) {
      const Network network = network_of_kind<K>(all);
      validate(network);
      const Description form = describe_layer(network.layers.back(), kind_inputs);
      for (const TensorForm& tensor : form.tensors) {
        const std::string name(tensor.name);
        const bool is_there = network.layers.back().tensors.contains(name);
        if (!is_there || network.layers.back().tensors.size() > 1)  // alone it may have any size
          CHECK(
              has(flaw_of(network, [&](auto& w) { w.tensors[name] = Matrix<float>::Ones(tensor.rows + 1, 7); }), "x"));
        if (!is_there) continue;
        CHECK(has(flaw_of(network, [&](auto& w) { w.tensors[name](0, 0) = std::numeric_limits<float>::infinity(); }),
                  concat_text("element 0 of ", name, " is not a finite number")));
        if (tensor.need == Need::required) CHECK(flaw_of(network, [&](auto& w) { w.tensors.erase(name); }) != "");
      }
      for (const OptionForm& option : form.options)
        CHECK(has(flaw_of(network,
                          [&](auto& w) {
                            const bool is_flag = std::holds_alternative<bool>(option.usual);
                            w.options[std::string(option.name)] = is_flag ? LayerOption(0.5) : LayerOption(true);
                          }),
                  concat_text(option.name, " is a ")));
      CHECK(has(flaw_of(network, [](auto& w) { w.tensors["nonsense"] = Matrix<float>::Ones(1, 1); }), "no nonsense"));
      CHECK(has(flaw_of(network, [](auto& w) { w.options["nonsense"] = true; }), "no option nonsense"));
    }
  });
}

TEST_CASE("every kind: its trained layer computes what it does by the book, in company and alone, and learns") {
  for_each_kind<LibraryKinds>([]<class K>() {
    if constexpr (TrainedKind<K>) {
      CAPTURE(K::name);
      const Network network = network_of_kind<K>();
      auto model = model_of_kind<K, double>(network);
      const auto x = input_of_kind<K, double>();
      typename decltype(model)::template Cache<std::remove_const_t<decltype(x)>> cache;
      const auto& y = model.forward(Context{}, x, cache);
      for (Index b = 0; b < x.packing.batch(); ++b) {
        if (x.packing.length(b) == 0) continue;
        Matrix<double> expected = sequence_of(x, b);
        for (const LayerData& layer : network.layers) expected = layer.kind->run(layer, expected);
        CHECK((sequence_of(y, b) - expected).cwiseAbs().maxCoeff() <= 1e-12);
      }
      const auto report = unroll::check_gradient(model, x, GradientCheckOptions{.difference = 1e-5});
      INFO(report.str());
      CHECK(report.passed());
    }
  });
}

TEST_CASE("every kind: its gradients have the same bits for any number of threads" * doctest::test_suite("bits")) {
  const int before = threads();
  for_each_kind<LibraryKinds>([]<class K>() {
    if constexpr (TrainedKind<K>) {
      CAPTURE(K::name);
      const auto model = model_of_kind<K, float>(network_of_kind<K>());
      const auto x = input_of_kind<K, float>();
      auto first = zeros_like(model);
      for (const int n : {1, 2, 3}) {
        set_threads(n);
        typename std::remove_const_t<decltype(model)>::template Cache<std::remove_const_t<decltype(x)>> cache;
        auto gradient = zeros_like(model);
        const auto dy = model.forward(Context{}, x, cache);
        model.backward(x, dy, cache, gradient);
        if (n == 1) first = gradient;
        visit([](const Path&, const auto& a, const auto& b) { CHECK(a == b); }, std::as_const(first),
              std::as_const(gradient));
      }
    }
  });
  set_threads(before);
}

TEST_CASE("every kind comes back from a file as it was, and from a model's") {
  const TemporaryFolder folder;
  for_each_kind<LibraryKinds>([&]<class K>() {
    CAPTURE(K::name);
    for (const bool all : {false, true}) {
      const Network network = network_of_kind<K>(all);
      save_network(folder / "network", network);
      check_same_layer(network.layers.back(), load_network(folder / "network").layers.back());
      if constexpr (TrainedKind<K>) {
        const auto model = model_of_kind<K, float>(network);
        check_same_layer(network.layers.back(), network_of(model).layers.back());
        save(folder / "model", model);
        check_same_layer(network.layers.back(), load_network(folder / "model").layers.back());
      }
    }
  });
}

TEST_CASE("every kind streams what it computes, at any size and at a fixed one, or says why not") {
  for_each_kind<LibraryKinds>([]<class K>() {
    CAPTURE(K::name);
    for (const bool all : {false, true}) check_streams<K>(network_of_kind<K>(all));
  });
}
