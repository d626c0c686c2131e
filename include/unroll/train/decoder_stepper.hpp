// An encoder-decoder model that writes token after token: many texts for many sources, side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/core/for_sequences.hpp>
#include <unroll/layer/attention_record.hpp>
#include <unroll/layer/encoder_decoder.hpp>
#include <unroll/train/token_stepper.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

template <class M> constexpr bool assert_encoder_decoder() {
  constexpr bool is_one = IsEncoderDecoder<M>;
  static_assert(is_one,
                "unroll: what translates is an EncoderDecoder, with encode(run, x) and decode(run, read, y): see "
                "layer/encoder_decoder.hpp.");
  return is_one;
}

/// The sequences, columns or states of these rows.
template <class T> Matrix<T> select_rows(const Matrix<T>& all, std::span<const Index> rows) {
  Matrix<T> some(all.rows(), std::ssize(rows));
  for (std::size_t k = 0; k < rows.size(); ++k) some.col(static_cast<Index>(k)) = all.col(rows[k]);
  return some;
}
template <class T> PackedSequence<T> select_rows(const PackedSequence<T>& all, std::span<const Index> rows) {
  std::vector<Index> position, lengths;
  sorted_positions(all.packing, position);
  for (const Index row : rows) lengths.push_back(all.packing.length(position[static_cast<std::size_t>(row)]));
  PackedSequence<T> some;
  some.packing = Packing::from_lengths(lengths, all.packing.steps());
  some.values.resize(all.values.rows(), some.packing.total());
  const Packing& p = some.packing;
  for_sequences(p, [&](Index j, Index row, Index length) {
    const Index from = position[static_cast<std::size_t>(rows[static_cast<std::size_t>(row)])];
    for (Index t = 0; t < length; ++t) some.values.col(p.offset(t) + j) = all.values.col(all.packing.offset(t) + from);
  });
  return some;
}
template <class S> requires(!is_values<S>)
S select_rows(const S& all, std::span<const Index> rows) {
  return select_state(all, rows);
}

/// Sources that are read once, and texts for them: each has a source and a state of its own.
template <class M> class DecoderStepper {
 public:
  using T = typename M::Scalar;
  using Source = typename M::Source;

  /// The weights of decode's attention at each step are left in `looked`, if there is one.
  DecoderStepper(std::string_view who, const M& model, AttentionRecord* looked = nullptr)
      : who_(who), model_(model), looked_(looked), logits_(model) {}

  /// All sources. Texts begin anew.
  void read(const Source& x) {
    given_ = {}, looked_at_.reset(), encoded_.reset();
    reads_.start(inference);
    list_parts(reads_, nullptr, nullptr);
    Wiring run(reads_, inference, 0);
    encoded_.emplace(model_.encode(run, Node<Source>{&x, &source_, &reads_}));
    source_of_.clear();
    has_written_ = false;
  }
  /// The next token of each text, and the number of its source: logits (V, texts) of what follows.
  const Matrix<T>& step(std::span<const std::int32_t> ids, std::span<const Index> source_of) {
    given_ = {};  // so that the calls of the turn before are used again
    Context context = inference;
    context.attention = looked_;
    if (looked_ != nullptr) looked_->clear();
    writes_.start(context);
    if (has_written_) writes_.go_on();
    list_parts(writes_, has_written_ ? &state_ : nullptr, &state_);
    context.same_weights = was_called_;
    context.same_memory = has_written_ && std::ranges::equal(source_of, source_of_);
    if (!context.same_memory) look_at(source_of);
    x_.ids.assign(ids.begin(), ids.end());
    lengths_.assign(ids.size(), 1);
    x_.packing = Packing::from_lengths(lengths_, 1);
    Wiring run(writes_, context, 0);
    given_ = model_.decode(run, *looked_at_, Node<TokenBatch>{&x_, &tokens_, &writes_});
    writes_.take_states();
    if (!was_called_) check_calls(model_);
    has_written_ = was_called_ = true;
    return logits_(*given_);
  }
  /// Text k goes on from where text rows[k] is.
  void select(std::span<const Index> rows) {
    if constexpr (!is_stateless<State>)
      visit_state(
          [&](const Path&, auto& field) {
            if (field.cols() > 0) field = select_rows(field, rows);  // none of what encode alone has called
          },
          state_);
  }

 private:
  using State = typename M::State;
  using Encoded = EncodedBy<M>;
  using Given = std::remove_cvref_t<decltype(std::declval<const M&>().decode(
      std::declval<Wiring&>(), std::declval<const Encoded&>(), Node<TokenBatch>{}))>;

  void list_parts(Tape& tape, const State* in, State* out) const {
    PartList parts(tape.parts, false);
    walk_parts(parts, {}, const_cast<M&>(model_), in, out);
  }
  /// What was read, once for each text.
  void look_at(std::span<const Index> source_of) {
    source_of_.assign(source_of.begin(), source_of.end());
    looked_at_.emplace(*encoded_);
    for_each_node(
        [&]<class Y>(Node<Y>& node) {
          auto own = std::make_shared<const Y>(select_rows(*node, source_of_));
          node = {own.get(), nullptr, &writes_, own};
        },
        *looked_at_);
  }
  /// Whether what decode has called goes from step to step.
  template <class L> void check_calls(const L& part) {
    if constexpr (is_list<L>) {
      for (const auto& each : part) check_calls(each);
    } else if constexpr (is_composite<L>) {
      for_each_part([&](auto, std::string_view, const auto& inner) { check_calls(inner); }, part);
    } else {
      const PartEntry* const entry = writes_.find(&part, TypeId::of<L>());
      if (entry == nullptr || entry->calls == 0) return;
      if constexpr (any_reads_back<L>()) fail(who_, ": decode calls ", part.describe(), ", which reads the whole text");
      require_forward(who_, part);
      if constexpr (!is_stateless<typename StateOf<L>::type>)
        require(entry->calls == 1, who_, ": decode calls ", part.describe(), " twice, but it has one state");
    }
  }

  std::string_view who_;
  const M& model_;
  AttentionRecord* looked_;
  Tape reads_, writes_;
  Slot<Source> source_;
  Slot<TokenBatch> tokens_;
  std::optional<Encoded> encoded_, looked_at_;
  Given given_{};
  State state_{};
  TokenLogits<M> logits_;
  TokenBatch x_;
  std::vector<Index> source_of_, lengths_;
  bool has_written_ = false, was_called_ = false;
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
