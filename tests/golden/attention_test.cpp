// Attention against nn.MultiheadAttention, and against Luong's and Bahdanau's written out in PyTorch.
#include <unroll/layer/additive_attention.hpp>
#include <unroll/layer/attention.hpp>
#include <unroll/layer/multi_head_attention.hpp>

#include "golden.hpp"

namespace {

using namespace unroll;

PackedSequence<double> golden_sequences(const Golden& golden, const std::string& name, const std::string& lengths) {
  const auto values = golden.columns(name);
  const auto of = golden.integers(lengths + "_lengths");
  const auto batch = static_cast<Index>(of.size());
  return pack(batch_first(values.data(), batch, values.cols() / batch, values.rows()), std::span(of));
}

/// y, loss and every gradient of a model of sequences whose names in the file are given.
template <class M, class In>
void check_attends(const Golden& golden, const std::string& variant, M model, const In& x,
                   const std::vector<std::string>& names, const std::string& of_y = "query",
                   const Context& context = {}) {
  CAPTURE(variant);
  golden.load(model, variant);
  CacheFor<M, In> cache;
  const auto& y = model.forward(context, x, cache);
  check_close("y", unpack(y), golden.columns(variant + "y"));
  const PackedSequence<double> r = golden_sequences(golden, variant + "r.y", of_y);
  check_close("loss", y.values.cwiseProduct(r.values).sum(), golden.number(variant + "loss"));
  M gradient = zeros_like(model);
  std::size_t k = 0;
  const auto check_input = [&](const PackedSequence<double>& d) {
    check_close("grad." + names[k], unpack(d), golden.columns(variant + "grad." + names[k]));
    ++k;
  };
  if constexpr (is_inputs<In>)
    std::apply([&](const auto&... d) { (check_input(d), ...); }, model.backward(x, r, cache, gradient));
  else
    check_input(model.backward(x, r, cache, gradient));
  golden.check_parameters(gradient, variant + "grad.");
}

/// Column (b, t, head) of the file: a query's weights of the steps of the keys.
template <class M>
void check_weights(const Golden& golden, const std::string& variant, const M& model, const PackedSequence<double>& q,
                   const PackedSequence<double>& k) {
  const auto expected = golden.columns(variant + "weights");
  const Index heads = model.options.heads;
  for (Index h = 0; h < heads; ++h) {
    const auto w = model.weights(q, k, h);
    for (Index n = 0; n < q.packing.total(); ++n) {
      const Index query = q.packing.sequence_of(n) * q.packing.padded_steps + q.packing.time_of(n);
      check_close("weights", w.col(n), expected.col(query * heads + h));
    }
  }
}

struct Dots : Composite<Dots, double> {
  AttentionOptions how;
  UNROLL_PARTS(how)
  auto operator()(Wiring&, Node<PackedSequence<double>> q, Node<PackedSequence<double>> k) const {
    return dot_attention(q, k, how);
  }
};
// Their names are those of their part.
struct Additive : Composite<Additive, double> {
  AdditiveAttention<double> attend{3, 5, 4};
  static constexpr std::string_view names_of_parts() { return "."; }
  auto parts() { return std::tie(attend); }
  auto parts() const { return std::tie(attend); }
  auto operator()(Wiring& run, Node<PackedSequence<double>> q, Node<PackedSequence<double>> k) const {
    return run(attend, q, k);
  }
};
struct Itself : Composite<Itself, double> {
  MultiHeadAttention<double> attend{6, 6, 6, 2, {.bias = false, .causal = true}};
  static constexpr std::string_view names_of_parts() { return "."; }
  auto parts() { return std::tie(attend); }
  auto parts() const { return std::tie(attend); }
  auto operator()(Wiring& run, Node<PackedSequence<double>> x) const { return run(attend, x, x); }
};
using Pair = Inputs<PackedSequence<double>, PackedSequence<double>>;

}  // namespace

TEST_CASE("MultiHeadAttention is nn.MultiheadAttention with a key_padding_mask") {
  const Golden golden("pytorch_multi_head_attention");
  SUBCASE("keys and values of their own features") {
    const auto q = golden_sequences(golden, "cross.q", "query"), k = golden_sequences(golden, "cross.k", "key"),
               v = golden_sequences(golden, "cross.v", "key");
    MultiHeadAttention<double> model(6, 4, 6, 3, {.values = 5});
    check_attends(golden, "cross.", model,
                  Inputs<PackedSequence<double>, PackedSequence<double>, PackedSequence<double>>{{q, k, v}},
                  {"q", "k", "v"});
    golden.load(model, "cross.");
    check_weights(golden, "cross.", model, q, k);
  }
  SUBCASE("of a sequence to itself, looking back alone") {
    const auto x = golden_sequences(golden, "self.x", "key");
    Itself model;
    check_attends(golden, "self.", model, x, {"x"}, "key");
    golden.load(model.attend, "self.");
    check_weights(golden, "self.", model.attend, x, x);
  }
}

TEST_CASE("dot, local and general attention are Luong's, additive attention is Bahdanau's, dropout is of the weights") {
  const Golden golden("pytorch_attention");
  for (const std::string variant : {"dot.", "local.", "general.", "bahdanau.", "dropped."}) {
    const Pair x{{golden_sequences(golden, variant + "q", "query"), golden_sequences(golden, variant + "k", "key")}};
    if (variant == "general.")
      check_attends(golden, variant, GeneralAttention<double>(3, 5), x, {"q", "k"});
    else if (variant == "bahdanau.")
      check_attends(golden, variant, Additive{}, x, {"q", "k"});
    else if (variant == "dropped.")
      check_attends(golden, variant, Dots{{}, {.dropout = std::stod(golden.metadata("dropout"))}}, x, {"q", "k"},
                    "query",
                    {.training = true,
                     .seed = std::stoull(golden.metadata("seed")),
                     .step = std::stoull(golden.metadata("step"))});
    else
      check_attends(golden, variant, Dots{{}, {.window = variant == "local." ? 1 : -1}}, x, {"q", "k"});
  }
  golden.check_all_read();
}
