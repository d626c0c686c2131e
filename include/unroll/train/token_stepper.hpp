// A language model that reads token after token: what generation, beam search and scores of texts are made of.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include <unroll/core/pack.hpp>
#include <unroll/head/head.hpp>
#include <unroll/layer/parts.hpp>
#include <unroll/layer/walk_layers.hpp>
#include <unroll/train/evaluate.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// Whether a layer within a model reads its sequence from the end: such a model has read what it should say.
template <class L>
inline constexpr bool reads_back = requires(const L& layer) {
  layer.forward_layer;
  layer.reverse_layer;
};
template <class L> constexpr bool any_reads_back();
template <class Parts> struct AnyReadsBack;
template <class... P> struct AnyReadsBack<std::tuple<P&...>> {
  static constexpr bool value = (any_reads_back<std::remove_const_t<P>>() || ...);
};
template <class L> constexpr bool any_reads_back() {
  if constexpr (is_list<L>)
    return any_reads_back<typename L::value_type>();
  else if constexpr (reads_back<L>)
    return true;
  else if constexpr (HasParts<L>)
    return AnyReadsBack<PartsOf<L>>::value;
  else
    return false;
}
/// Throws for a layer with the option `reverse`.
template <class L> void require_forward(std::string_view who, const L& layer) {
  if constexpr (is_list<L>)
    for (const auto& each : layer) require_forward(who, each);
  else if constexpr (KnowsItsLayers<L>)
    layer.walk_layers(Path(), false, [&](const auto& each, const Path& at, bool) {
      if constexpr (requires { each.form; })
        require(each.form.parts.empty() && !each.form.flag("reverse"), who, ": layer ", at.str(), ", ", each.describe(),
                ", reads its sequence from the end");
    });
  else if constexpr (requires { layer.options.reverse; })
    require(!layer.options.reverse, who, ": ", layer.describe(), " reads its sequence from the end");
  else if constexpr (HasParts<L>)
    for_each_part([&](auto, std::string_view, const auto& part) { require_forward(who, part); }, layer);
}

/// A model of tokens that gives logits, or a vector to its head, for every step.
template <class M>
concept GivesStepsOfTokens = Accepts<M, TokenBatch> && requires {
  requires is_packed<std::remove_cvref_t<typename M::template Output<TokenBatch>>>;
};
/// No head, or one with logits.
template <class M>
concept HeadOfLanguageModel =
    !has_head<M> || requires(const HeadOf<M>& head, const typename M::template Output<TokenBatch>& y,
                             HeadScratch<M>& scratch) { head.logits(y, scratch); };
template <class M> constexpr bool assert_language_model() {
  constexpr bool gives_steps = GivesStepsOfTokens<M>;
  static_assert(gives_steps,
                "unroll: a language model takes a TokenBatch and gives logits for every step: an Embedding, recurrent "
                "layers without FinalState, and a Dense, SoftmaxClassifier or tied_output.");
  constexpr bool reads_forward = !gives_steps || !any_reads_back<M>();
  static_assert(reads_forward, "unroll: a bidirectional layer has read the tokens that a language model is to say.");
  constexpr bool gives_logits = !gives_steps || HeadOfLanguageModel<M>;
  static_assert(gives_logits, "unroll: the head of a language model gives logits, as SoftmaxClassifier does.");
  return gives_steps && reads_forward && gives_logits;
}

/// The logits of what a model gave, by its head if it has one.
template <class M> class TokenLogits {
 public:
  explicit TokenLogits(const M& model) : model_(model) {
    if constexpr (has_head<M>) {
      if constexpr (requires { head_of(model).share(model, static_cast<M*>(nullptr), scratch_); })
        head_of(model).share(model, static_cast<M*>(nullptr), scratch_);
      if constexpr (requires { head_of(model).pack(scratch_); }) head_of(model).pack(scratch_);
    }
  }
  template <class Y> const Matrix<typename M::Scalar>& operator()(const Y& y) {
    if constexpr (has_head<M>) {
      logits_ = head_of(model_).logits(y, scratch_);
      return logits_;
    } else {
      return y.values;
    }
  }

 private:
  const M& model_;
  HeadScratch<M> scratch_{};
  Matrix<typename M::Scalar> logits_;
};

/// Texts of one model, side by side, each in a state of its own.
template <class M> class TokenStepper {
 public:
  using T = typename M::Scalar;
  static constexpr std::size_t window = 256;  ///< tokens whose logits are made at once

  TokenStepper(std::string_view who, const M& model) : model_(model), logits_(model) { require_forward(who, model); }
  /// One text, or more of it: a column of logits for each token.
  const Matrix<T>& read(std::span<const std::int32_t> ids) {
    x_.ids.assign(ids.begin(), ids.end());
    const std::vector<Index> lengths{static_cast<Index>(ids.size())};
    x_.packing = Packing::from_lengths(lengths, lengths[0]);
    return run();
  }
  /// The same, however long, of which only the last column counts.
  const Matrix<T>& read_all(std::span<const std::int32_t> ids) {
    for (; ids.size() > window; ids = ids.subspan(window)) read(ids.first(window));
    return read(ids);
  }
  /// All of several texts, which may be of different lengths: a column of logits for each, after its last token.
  const Matrix<T>& read_texts(std::span<const std::span<const std::int32_t>> texts) {
    std::size_t longest = 0;
    for (const auto& text : texts) longest = (std::max)(longest, text.size());
    const std::size_t steps = (std::max)(window / texts.size(), std::size_t{1});
    std::vector<Index> lengths(texts.size());
    for (std::size_t first = 0; first < longest; first += steps) {
      for (std::size_t k = 0; k < texts.size(); ++k)
        lengths[k] = static_cast<Index>((std::min)((std::max)(texts[k].size(), first) - first, steps));
      x_.packing = Packing::from_lengths(lengths, static_cast<Index>(steps));
      const Packing& packing = x_.packing;
      x_.ids.clear();
      for (Index n = 0; n < packing.total(); ++n)
        x_.ids.push_back(texts[static_cast<std::size_t>(packing.sequence_of(n))]
                              [first + static_cast<std::size_t>(packing.time_of(n))]);
      const Matrix<T>& y = run();
      ends_.resize(y.rows(), packing.batch());
      for (Index j = 0; j < packing.batch() && packing.length(j) > 0; ++j)
        ends_.col(packing.row(j)) = y.col(packing.offset(packing.length(j) - 1) + j);
    }
    return ends_;
  }
  /// The next token of each text.
  const Matrix<T>& step(std::span<const std::int32_t> ids) {
    x_.ids.assign(ids.begin(), ids.end());
    const std::vector<Index> lengths(ids.size(), 1);
    x_.packing = Packing::from_lengths(lengths, 1);
    return run();
  }
  /// Text k goes on from where text rows[k] is.
  void select(std::span<const Index> rows) {
    if constexpr (!is_stateless<State>) state_ = select_state(state_, rows);
  }

 private:
  using State = typename M::State;

  const Matrix<T>& run() {
    Context context = inference;
    context.same_weights = has_read_;
    const auto& y = model_.forward(context, x_, cache_, Carry<State>{has_read_ ? &state_ : nullptr, &state_});
    has_read_ = true;
    return logits_(y);
  }

  const M& model_;
  CacheFor<M, TokenBatch> cache_;
  State state_{};
  TokenLogits<M> logits_;
  TokenBatch x_;
  Matrix<T> ends_;
  bool has_read_ = false;
};

/// Column j in double.
template <class T> void copy_logits(const Matrix<T>& logits, Index j, std::vector<double>& to) {
  to.resize(static_cast<std::size_t>(logits.rows()));
  Eigen::Map<Eigen::VectorXd>(to.data(), logits.rows()) = logits.col(j).template cast<double>();
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
