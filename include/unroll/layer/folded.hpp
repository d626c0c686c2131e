// An embedding and the input weights behind it as one table, for inference.
#pragma once

#include <unroll/kernel/matmul.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/sequential.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class L> inline constexpr bool is_embedding = false;
template <class T> inline constexpr bool is_embedding<Embedding<T>> = true;

/// f(layer, cache) for the recurrent layers that read the output of layer `K`: one, or both directions.
template <std::size_t K, class L, class C, class F> void for_each_reader(const L& layer, C& cache, const F& f) {
  if constexpr (requires { cache.input.words; }) {
    f(layer, cache);
  } else if constexpr (requires { layer.ahead; }) {
    f(layer.ahead, cache.ahead);
    f(layer.back, cache.back);
  } else if constexpr (requires { layer.inner; }) {
    for_each_reader<0>(layer.inner, cache.inner, f);
  } else if constexpr (requires { std::get<K>(layer.layers); }) {
    if constexpr (requires { std::get<K>(layer.layers).rate; })  // a dropout does nothing here
      for_each_reader<K + 1>(layer, cache, f);
    else
      for_each_reader<0>(std::get<K>(layer.layers), std::get<K>(cache.layers), f);
  } else {
    static_assert(
        requires { cache.input.words; }, "unroll::fold_embedding: what follows the embedding is no recurrent layer.");
  }
}
}  // namespace detail

/// A model that begins with an embedding and a recurrent layer, for inference: W e_v + b of every word v is in a table
/// (GX H, V), so the embedding and the first layer's product cost as much as reading it. The same outputs. It is a copy
/// of the model and has no parameters of its own: make it anew when the model has changed.
template <class M> class Folded {
  static_assert(detail::is_embedding<std::tuple_element_t<0, decltype(M::layers)>>,
                "unroll::fold_embedding: the model does not begin with an Embedding.");

 public:
  using Scalar = typename M::Scalar;
  using T = Scalar;
  using State = typename M::State;
  template <Tokens In> using Output = typename M::template Output<In>;

  template <Tokens In> struct Cache {
    typename M::template Cache<In> model;
    const auto& output() const { return model.output(); }
  };

  explicit Folded(const M& of) : model_(of) {
    typename M::template Cache<TokenBatch> cache;
    MatmulScratch<T> scratch;
    detail::for_each_reader<1>(model_, cache, [&](const auto& layer, auto&) {
      const Matrix<T>& words = std::get<0>(model_.layers).weight;
      layer.check_parameters();
      detail::require_features(layer.who, words, layer.weight_ih.cols());
      tables_.emplace_back(layer.weight_ih.rows(), words.cols());
      matmul(tables_.back(), layer.weight_ih, Transpose::no, words, Transpose::no, false, scratch, Blocks::ascending,
             layer.bias_ih.size() > 0 ? layer.bias_ih.data() : nullptr);
    });
  }

  template <Tokens In>
  const Output<In>& forward(Context context, const In& x, Cache<In>& c, Carry<State> carry = {}) const {
    require(!context.training, "Folded: a model for inference does not train");
    context.gradients = false;
    std::get<0>(c.model.layers).want_y = false;
    std::size_t k = 0;
    detail::for_each_reader<1>(model_, c.model,
                               [&](const auto&, auto& cache) { cache.input.words = {&tables_[k++], x.ids.data()}; });
    return model_.forward(context, x, c.model, carry);
  }
  template <Tokens In> Nothing backward(const In&, const Output<In>&, Cache<In>&, Folded&, Carry<State> = {}) const {
    fail("Folded: a model for inference has no backward");
  }

  std::string describe() const { return concat("Folded(", model_.describe(), ")"); }
  template <class F, class... Self> static void visit(F&&, const Path&, Self&...) {}

 private:
  M model_;
  std::vector<Matrix<T>> tables_;
};

/// `const Folded fast = fold_embedding(model);` for `predict`, `infer`, `evaluate` and `forward`. Takes a table of
/// GX H numbers for each word and direction, and the time to make it: V / N forward passes of a batch of N steps.
template <class M> Folded<M> fold_embedding(const M& model) { return Folded<M>(model); }

}  // namespace unroll::inline UNROLL_ABI
