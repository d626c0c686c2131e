// What fit does before its first step: options are checked, rows are held out, forgotten weights are drawn.
#pragma once

#include <algorithm>

#include <unroll/core/initialize.hpp>
#include <unroll/core/parameters.hpp>
#include <unroll/data/split.hpp>
#include <unroll/train/fit_options.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class D> void check_options(const FitOptions<D>& o) {
  require_at_least("fit", "epochs", o.epochs, 0);
  require_at_least("fit", "batch_size", o.batch_size, 1);
  require_at_least("fit", "accumulate", o.accumulate, 1);
  require_fraction("fit", "validation_split", o.validation_split);
  require_fraction("fit", "validation_shuffled", o.validation_shuffled);
  require((o.validation_split > 0) + (o.validation_shuffled > 0) + (o.validation.get() != nullptr) <= 1,
          "fit: validation_split, validation_shuffled and validation exclude each other");
  require(o.validation.get() == nullptr || o.validation.get()->size() > 0, "fit: the validation data have no sequence");
  require_not_negative("fit", "clip_norm", o.clip_norm);
  require_not_negative("fit", "clip_each_norm", o.clip_each_norm);
  require_not_negative("fit", "clip_value", o.clip_value);
  require_not_negative("fit", "clip_epsilon", o.clip_epsilon);
  require((o.clip_norm > 0) + (o.clip_each_norm > 0) + (o.clip_value > 0) <= 1,
          "fit: clip_norm, clip_each_norm and clip_value exclude each other");
  require(o.clip_epsilon == 0 || o.clip_norm > 0, "fit: clip_epsilon belongs to clip_norm, which is 0");
  require_at_least("fit", "checkpoint_every", o.checkpoint_every, 0);
}

template <class D> Split split_rows(const D& data, const FitOptions<D>& o) {
  Split of = o.validation_shuffled > 0 ? split_shuffled(data.size(), o.validation_shuffled, Rng(o.seed).child(~0ull))
                                       : split_tail(data.size(), o.validation_split);
  require(!of.training.empty(), "fit: there is nothing to train on: ", data.size(), " sequences, of which ",
          of.validation.size(), " are held out");
  const double fraction = (std::max)(o.validation_split, o.validation_shuffled);
  require(fraction == 0 || !of.validation.empty(), "fit: ", fraction, " of ", data.size(),
          " sequences are none to hold out");
  return of;
}

/// Sequences that make one update; more than there are is all of them, and nothing overflows.
template <class D> Index update_size(const FitOptions<D>& o, std::size_t sequences) {
  const auto n = static_cast<Index>(sequences);
  return o.batch_size > n / o.accumulate ? n : o.batch_size * o.accumulate;
}

/// Where all weights and tables are zero nobody has called `initialize`, and nothing could be learned: every trainable
/// parameter that is zero gets the values that `initialize(model, Rng(seed))` would give it.
template <class M> void initialize_if_forgotten(M& model, std::uint64_t seed) {
  if constexpr (requires(Rng rng, Scheme scheme) { model.initialize(rng, scheme); }) {
    const auto is_zero = [](const auto& p) { return (p.array() == 0).all(); };
    bool forgotten = true;
    visit(
        [&](const Path& path, const auto& p) {
          if (path.kind == Kind::weight || path.kind == Kind::table) forgotten = forgotten && is_zero(p);
        },
        model);
    if (!forgotten) return;
    M drawn = model;
    initialize(drawn, Rng(seed));
    visit(
        [&](const Path&, auto& p, const auto& q) {
          if (p.trainable && is_zero(p))
            p = static_cast<const Matrix<typename std::remove_cvref_t<decltype(p)>::Scalar>&>(q);
        },
        model, drawn);
  }
}

/// The path of a trainable parameter that is not finite everywhere; empty: all are.
template <class M> std::string path_of_not_finite(const M& model) {
  std::string found;
  visit(
      [&](const Path& path, const auto& p) {
        if (p.trainable && found.empty() && find_not_finite(p.data(), p.size()) >= 0) found = path.str();
      },
      model);
  return found;
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
