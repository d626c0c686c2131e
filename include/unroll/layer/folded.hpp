// An embedding and the input weights behind it as one table, for inference.
#pragma once

#include <memory>
#include <numeric>

#include <unroll/kind/identity_in_inference.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent/word_tables.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/layer/stack.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Whether layers read nothing of what an embedding gives them but its words, once their products are in tables: then
/// the embedding need not copy its vectors. Recurrent layers are such; layers that do nothing here pass it on.
template <class... Ls> inline constexpr bool read_words_alone = false;
template <class C, class... Ls> inline constexpr bool read_words_alone<Recurrent<C>, Ls...> = true;
template <class C, class... Ls> inline constexpr bool read_words_alone<Bidirectional<C>, Ls...> = true;
template <class L, class... Ls> requires is_identity_in_inference<L>
inline constexpr bool read_words_alone<L, Ls...> = read_words_alone<Ls...>;
template <class L, class... Ls> inline constexpr bool read_words_alone<FinalState<L>, Ls...> = read_words_alone<L>;
template <class... In, class... Ls>
inline constexpr bool read_words_alone<Stack<In...>, Ls...> = read_words_alone<In...>;

/// The same of all that is behind a model's embedding; of wirings nobody knows.
template <class M> inline constexpr bool needs_no_vectors = false;
template <class T, class... Ls>
inline constexpr bool needs_no_vectors<Sequential<Embedding<T>, Ls...>> = read_words_alone<Ls...>;
}  // namespace detail

/// A model of token ids, for inference: of every recurrent layer that reads an embedding, W e_v + b of every word v is
/// in a table (GX H, V), so that layer's product costs as much as reading it. The same outputs. It is a copy of the
/// model and has no parameters of its own: make it anew when the model has changed. Copies share the tables. A layer
/// which the words, each as a sequence of one step, do not all reach has none, and computes as before.
template <class M> class Folded {
  static constexpr bool takes_tokens = Accepts<M, TokenBatch>;  // a compiler lists no reasons for a variable
  static_assert(takes_tokens, "unroll::fold_embedding: the model does not take token ids.");

 public:
  using Scalar = typename M::Scalar;
  using T = Scalar;
  using State = typename M::State;
  template <Tokens In> using Output = typename M::template Output<In>;

  template <Tokens In> struct Cache {
    typename M::template Cache<In> model;
    const auto& output() const { return model.output(); }
  };

  explicit Folded(const M& of) : model_(of), tables_(std::make_shared<WordTables<T>>()) { fill_tables(); }

  template <Tokens In>
  const Output<In>& forward(const Context& given, const In& x, Cache<In>& c, Carry<State> carry = {}) const {
    require(!given.training, "Folded: a model for inference does not train");
    if constexpr (detail::needs_no_vectors<M>) std::get<0>(c.model.layers).want_vectors = false;
    return model_.forward(context(given), x, c.model, carry);
  }
  template <Tokens In> Nothing backward(const In&, const Output<In>&, Cache<In>&, Folded&, Carry<State> = {}) const {
    fail("Folded: a model for inference has no backward");
  }

  std::string describe() const { return concat_text("Folded(", model_.describe(), ")"); }
  template <class F, class... Self> static void visit(F&&, const Path&, Self&...) {}

 private:
  M model_;
  std::shared_ptr<WordTables<T>> tables_;

  /// A forward pass of every word as a sequence of one step: the layers write the tables themselves, as they meet it.
  void fill_tables() {
    constexpr Index at_once = 1024;
    typename M::template Cache<TokenBatch> cache;
    Index words = 1;  // until the first of them has said how many there are
    for (Index first = 0, n = 0; first < words; first += n) {
      n = (std::min)(at_once, words - first);
      TokenBatch batch{std::vector<std::int32_t>(static_cast<std::size_t>(n)),
                       Packing::from_lengths(std::vector<Index>(static_cast<std::size_t>(n), 1), 1)};
      std::iota(batch.ids.begin(), batch.ids.end(), static_cast<std::int32_t>(first));
      model_.forward(context({}), batch, cache);
      require(!tables_->empty(), "fold_embedding: no recurrent layer of ", model_.describe(), " reads an embedding");
      words = tables_->words();
    }
    tables_->close();
    require(!tables_->empty(), "fold_embedding: no recurrent layer of ", model_.describe(), " reads all words");
  }
  Context context(Context of) const {
    of.training = of.gradients = false;
    of.layer = 0;  // the one under which the tables were made
    of.word_tables = tables_.get();
    return of;
  }
};

/// `const Folded fast = fold_embedding(model);` for `predict`, `infer`, `evaluate` and `forward`. Takes a table of
/// GX H numbers for each word and direction, and the time to make it: a forward pass of every word alone.
template <class M> Folded<M> fold_embedding(const M& model) { return Folded<M>(model); }

}  // namespace unroll::inline UNROLL_ABI
