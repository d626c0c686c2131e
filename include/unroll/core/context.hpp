// What a forward pass needs to know besides its input.
#pragma once

#include <cstddef>

#include <unroll/core/random.hpp>
#include <unroll/core/range.hpp>
#include <unroll/core/type_id.hpp>

namespace unroll::inline UNROLL_ABI {

/// What WordTables are of whatever scalar type.
struct AnyWordTables {
  TypeId scalar;

 protected:
  explicit AnyWordTables(TypeId of) : scalar(of) {}
  ~AnyWordTables() = default;
};

class AttentionRecord;  // layer/attention_record.hpp
class RecurrentRecord;  // layer/recurrent_record.hpp

/// How much a batch has of a whole one of which it is a part: where something is added for a mean over the whole.
struct BatchShare {
  double sequences = 1, steps = 1, changes = 1;  ///< changes from a step to the next of its sequence
};

/// Handed down through a model; each layer passes `child(k)` to its k-th part, so no two layers draw the same mask.
/// Backward needs none: what was drawn stays in the cache.
struct Context {
  bool training = false;   ///< dropout is active
  bool gradients = true;   ///< a backward pass may follow; false keeps nothing for it (inference)
  std::uint64_t seed = 0;  ///< of the whole run
  std::uint64_t step = 0;  ///< of the optimizer: every batch has masks of its own
  Index first_row = 0;     ///< row of this batch's first sequence in the whole batch, for a batch that is split up
  BatchShare share{};      ///< of such a part's first input: `BatchSize(part.packing).share_of(whole)`
  std::uint64_t layer = 0;
  /// No weight has changed since the last pass with the same cache: what that made of them, as packing them for
  /// products, is used again. For steps of few columns, most of whose time that would be.
  bool same_weights = false;
  /// So is the memory of a cell that looks back at sequences (CompositeCell): what was made of that is used again, too.
  bool same_memory = false;
  AnyWordTables* word_tables = nullptr;  ///< of a model that is Folded
  AttentionRecord* attention = nullptr;  ///< where attention leaves its weights, if somebody wants to see them
  RecurrentRecord* recurrent = nullptr;  ///< where recurrent layers leave theirs and their gradients, until backward

  Context child(std::uint64_t k) const {
    Context c = *this;
    c.layer = detail::join_keys(layer, k + 1);
    return c;
  }
};

/// Dropout scales of one mask of one layer: 0 with probability `rate`, else 1 / (1 - rate). A function of seed, step,
/// layer, mask, sequence, its own time and unit: the company a sequence keeps does not change it.
class DropoutMask {
 public:
  UNROLL_API DropoutMask(const Context& context, std::uint64_t mask, double rate);

  /// Writes the scales of `units` units of one sequence (the user's row in this batch) at one time.
  template <class T> UNROLL_API void draw(Index sequence, Index time, Index units, T* out) const;

 private:
  std::uint64_t key_;
  std::uint32_t threshold_;
  double scale_;
  Index first_row_;
};

template <class T> void DropoutMask::draw(Index sequence, Index time, Index units, T* out) const {
  const auto row = static_cast<std::uint64_t>(first_row_ + sequence);
  for (Index u = 0; u < units; u += 4) {
    const auto words = philox({static_cast<std::uint32_t>(u / 4), static_cast<std::uint32_t>(time),
                               detail::low_word(row), detail::high_word(row)},
                              {detail::low_word(key_), detail::high_word(key_)});
    for (Index k = 0; k < 4 && u + k < units; ++k)
      out[u + k] = words[static_cast<std::size_t>(k)] < threshold_ ? T(0) : static_cast<T>(scale_);
  }
}

#define UNROLL_DROPOUT_MASK_INSTANCES(DECLARE)                              \
  DECLARE void DropoutMask::draw<float>(Index, Index, Index, float*) const; \
  DECLARE void DropoutMask::draw<double>(Index, Index, Index, double*) const;
#if !UNROLL_HEADER_ONLY
UNROLL_DROPOUT_MASK_INSTANCES(extern template)
#endif

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/core/context.ipp>
#endif
