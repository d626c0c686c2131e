// Scheduled sampling: a decoder that learns also behind what it has said itself, and not behind the reference alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <unroll/core/finite.hpp>
#include <unroll/layer/encoder_decoder.hpp>
#include <unroll/optim/schedule.hpp>
#include <unroll/train/decoder_stepper.hpp>
#include <unroll/train/sampling.hpp>
#include <unroll/train/token_stepper.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// A token of a batch that is replaced: its column and that of the token before it.
struct Replaced {
  Index column, before;
  Rng rng;  ///< of the token that comes instead
};
/// Each token but the first of its sequence at this rate: a function of seed, step, sequence and time.
UNROLL_API std::vector<Replaced> draw_replaced(const Context& context, const Packing& packing, double rate);
}  // namespace detail

/// What `fit` is given as `on_batch`: of the decoder's tokens each, but the first of a sequence, is the reference's
/// with probability references.rate(1, updates so far), else what the model says after the token before it: the
/// likeliest, or with another temperature one that is drawn. Bengio et al. 2015, with their schedules `LinearDecay`,
/// `ExponentialDecay` and `InverseSigmoidDecay`.
///
/// What the model says is that of one pass behind the reference (Mihaylova and Martins 2019), by the weights of the
/// present update and without dropout: a forward pass more, where step by step would be a pass of single columns. No
/// gradient goes through the choice; the labels stay. While the share is 1 nothing is computed, and the bits are those
/// of teacher forcing. The same for any number of threads, and whatever a batch is split into.
template <class M, Schedule S> class ScheduledSampling {
 public:
  using Batch = Inputs<typename M::Source, TokenBatch>;

  /// The model lives as long as this and its copies, which share their memory: one of them works at a time.
  ScheduledSampling(const M& model, const S& references, const SamplingOptions& said = {.temperature = 0})
      : model_(&model), references_(references), said_(said), cache_(std::make_shared<CacheFor<M, Batch>>()) {
    detail::assert_encoder_decoder<M>();
    detail::check_sampling("ScheduledSampling", said);
  }

  /// Throws std::invalid_argument where the schedule gives no share.
  void operator()(const Context& context, Batch& x) const {
    const double share = references_.rate(1, static_cast<std::int64_t>(context.step));
    detail::require_share("ScheduledSampling", "the share of references", share);
    TokenBatch& written = std::get<1>(x.all);
    std::vector<detail::Replaced> replaced = detail::draw_replaced(context, written.packing, 1 - share);
    if (replaced.empty()) return;
    const PackedSequence<T>& y = model_->forward(detail::inference, x, *cache_);
    PackedSequence<T> before{Matrix<T>(y.values.rows(), std::ssize(replaced)),
                             Packing::from_lengths(std::vector<Index>(replaced.size(), 1), 1)};
    for (std::size_t k = 0; k < replaced.size(); ++k)
      before.values.col(static_cast<Index>(k)) = y.values.col(replaced[k].before);
    detail::TokenLogits<M> of_head(*model_);
    const Matrix<T>& logits = of_head(before);
    parallel_ranges(logits.cols(), 16, [&](Index first, Index last) {
      detail::Sampling sampling;
      std::vector<double> of_column;
      for (Index k = first; k < last; ++k) {
        detail::Replaced& token = replaced[static_cast<std::size_t>(k)];
        if (detail::find_not_finite(logits.col(k).data(), logits.rows()) != -1) continue;  // the loss will say so
        detail::copy_logits(logits, k, of_column);
        written.ids[static_cast<std::size_t>(token.column)] = sampling.choose(of_column, {}, said_, token.rng);
      }
    });
  }

 private:
  using T = typename M::Scalar;

  const M* model_;
  S references_;
  SamplingOptions said_;
  std::shared_ptr<CacheFor<M, Batch>> cache_;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/scheduled_sampling.ipp>
#endif
