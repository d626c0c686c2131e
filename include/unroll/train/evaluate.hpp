// How good a model is.
#pragma once

#include <span>

#include <unroll/core/context.hpp>
#include <unroll/core/function_ref.hpp>
#include <unroll/metric/metric.hpp>
#include <unroll/train/carried_state.hpp>
#include <unroll/train/evaluation_scores.hpp>
#include <unroll/train/history.hpp>
#include <unroll/train/load_batch.hpp>
#include <unroll/train/train_step.hpp>

namespace unroll::inline UNROLL_ABI {

struct EvaluateOptions {
  Index batch_size = 64;             ///< changes time and memory; outputs have the same bits whatever it is
  std::span<const Index> rows = {};  ///< of the data set, which may repeat; none: all. Not of streams
  Metrics metrics = {};              ///< beside loss and accuracy: one, or a list
};

namespace detail {
template <class D>
concept HasBatch = requires { typename D::Batch; };
template <class D>
concept HasRows = HasBatch<D> && !Streams<D>;
/// Can the model read what is in the data set? If not, a sentence says so.
template <class M, class D> consteval bool assert_readable() {
  static_assert(HasBatch<D>, "unroll: a TokenDataset, SequenceDataset or another data set stands in another place.");
  if constexpr (HasBatch<D>) {
    constexpr bool complete = Visitable<M> && std::copyable<M>;
    static_assert(complete,
                  "unroll: this is no model: it has no `static void visit(f, const Path&, self...)`, or cannot "
                  "be copied; see the concept Model.");
    constexpr bool reads = !complete || Model<M, typename D::Batch>;
    static_assert(reads,
                  "unroll: this model cannot read this data set. A model that begins with an Embedding needs a "
                  "TokenDataset, one that begins with a recurrent layer a SequenceDataset of its scalar type; a model "
                  "of your own has the members that the concept Model lists.");
    return complete && reads;
  }
  return false;
}

inline constexpr Context inference{.training = false, .gradients = false};

/// The windows of streams, one after the other.
class WindowBatches {
 public:
  UNROLL_API WindowBatches(Index count, std::span<const Index> rows);
  Index count() const { return count_; }
  std::span<const Index> rows(Index k) {
    window_ = k;
    return {&window_, 1};
  }

 private:
  Index count_, window_ = 0;
};
template <class D> auto batches_of(const D& data, const EvaluateOptions& options) {
  if constexpr (Streams<D>)
    return WindowBatches(data.count(), options.rows);
  else
    return RowBatches("evaluate", data, options.rows, options.batch_size);
}
/// The mean over `count` batches of what `of` finds for each.
UNROLL_API Evaluation evaluate_batches(Index count, FunctionRef<Index, StepResult&> of);
/// What is known of a batch goes to the confusion matrix and the metrics. A loss whose decisions are not the largest
/// outputs has `decide(output, classes)`, one whose outputs are not one for each class `classes()`, one that has
/// several outputs for a number `point(outputs)`.
template <class L, class Output, class Targets>
void score(const L& loss, const Output& output, const Targets& of, EvaluationScores& scores) {
  using T = ScalarOf<Output>;
  const Matrix<T>& outputs = output_values(output);
  const Packing* packing = nullptr;
  if constexpr (requires { output.packing; }) packing = &output.packing;
  if constexpr (requires { loss.labels(of); }) {  // NextToken
    const auto labels = loss.labels(of);
    score(loss.loss, output, Labels(labels), scores);
  } else if constexpr (std::same_as<Targets, Matrix<T>>) {
    if constexpr (requires { loss.point(outputs); })
      scores.add_numbers(loss.point(outputs), of, packing);
    else
      scores.add_numbers(outputs, of, packing);
  } else if constexpr (std::convertible_to<const Targets&, Labels> && requires { loss.count(of); }) {
    Index ignored = -1, classes = outputs.rows() == 1 ? 2 : outputs.rows();
    if constexpr (requires { loss.ignore_index; }) ignored = loss.ignore_index;
    if constexpr (requires { loss.classes(); }) classes = loss.classes();
    if (!scores.wanted(classes)) return;
    constexpr bool decides = requires { loss.decide(output, scores.decided); };
    if constexpr (decides) loss.decide(output, scores.decided);
    scores.add_labels(outputs, classes, of, ignored, packing, decides);
  } else {
    scores.add_unknown();
  }
}

/// With buffers of the caller's.
template <class M, class L, class D, class Cache, class Scratch, class Targets>
Evaluation evaluate(const M& model, const L& loss, const D& data, const EvaluateOptions& options, Cache& cache,
                    Scratch& scratch, typename D::Batch& x, Targets& targets) {
  using Output = typename M::template Output<typename D::Batch>;
  auto batches = batches_of(data, options);
  CarriedState<M, D> state;
  EvaluationScores scores(options.metrics);
  if constexpr (requires { data.label_names(); }) scores.names = data.label_names();
  decltype(auto) bound = bind_loss(loss, model, static_cast<M*>(nullptr), scratch);
  Evaluation evaluation = evaluate_batches(batches.count(), [&](Index k, StepResult& result) {
    const std::span<const Index> rows = batches.rows(k);
    load_batch<!takes_batch<BoundLoss<M, L>, Output, typename D::Batch>>(data, rows, x, targets);
    const auto& output = forward(model, inference, x, cache, state.into(data, rows));
    if constexpr (is_head_loss<L>) check_head_is_last(model, cache, output);
    result = with_targets(bound, x, output, targets, [&](const auto& of) {
      const LossResult value = compute_loss(bound, output, of);
      StepResult r{.loss = value.loss, .weight = value.weight};
      count_correct(bound, output, of, r);
      score(bound, output, of, scores);
      return r;
    });
  });
  scores.write(evaluation);
  return evaluation;
}
}  // namespace detail

/// Mean loss and accuracy over a data set, dropout off. The same bits however often it is asked. Throws where it has no
/// sequence, no targets or targets that the loss does not take, and for rows that it does not have.
template <class M, class L, class D>
Evaluation evaluate(const M& model, const L& loss, const D& data, const EvaluateOptions& options = {}) {
  constexpr bool readable = detail::assert_readable<M, D>() && detail::assert_loss_of<M, L>();
  if constexpr (!readable) {
    return {};
  } else {
    using Output = typename M::template Output<typename D::Batch>;
    require(detail::rows_of(data) > 0, "evaluate: the data set has no sequence");
    detail::require_targets<detail::BoundLoss<M, L>, Output>("evaluate: the data set", data);
    CacheFor<M, typename D::Batch> cache;
    HeadScratch<M> scratch;
    typename D::Batch x;
    typename detail::TargetsOf<D, ScalarOf<Output>>::type targets;
    return detail::evaluate(model, loss, data, options, cache, scratch, x, targets);
  }
}
/// Of a model that ends in a head, by the head's own loss.
template <class M, class D> Evaluation evaluate(const M& model, const D& data, const EvaluateOptions& options = {}) {
  return evaluate(model, HeadLoss{}, data, options);
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/evaluate.ipp>
#endif
