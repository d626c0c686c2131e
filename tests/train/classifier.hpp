// A small classifier of token sequences and a task that it can learn: is there an 8 or a 9 among the ids?
#pragma once

#include <bit>

#include <unroll/cell/lstm.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/loss/binary_cross_entropy.hpp>
#include <unroll/train/fit.hpp>

using Classifier = unroll::Sequential<unroll::Embedding<float>, unroll::Recurrent<unroll::Lstm<float>>,
                                      unroll::FinalState<unroll::Recurrent<unroll::Lstm<float>>>, unroll::Dense<float>>;

inline Classifier make_classifier(double dropout = 0, unroll::Index units = 7) {
  const unroll::RecurrentOptions options{.input_dropout = dropout, .recurrent_dropout = dropout};
  Classifier model{unroll::Embedding{10, 6}, unroll::Recurrent{unroll::Lstm{6, units}, options},
                   unroll::FinalState{unroll::Recurrent{unroll::Lstm{units, 5}, options}}, unroll::Dense{5, 1}};
  unroll::initialize(model, unroll::Rng(1));
  return model;
}

/// n sequences of 0 to 11 ids.
inline unroll::TokenDataset make_data(unroll::Index n, std::uint64_t seed = 1) {
  unroll::Rng rng(seed);
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<unroll::Index> labels;
  for (unroll::Index k = 0; k < n; ++k) {
    ids.emplace_back(rng.below(12));
    const bool positive = rng.below(2) == 1 && !ids.back().empty();
    for (auto& id : ids.back()) id = static_cast<std::int32_t>(rng.below(8));
    if (positive) ids.back()[rng.below(ids.back().size())] = static_cast<std::int32_t>(8 + rng.below(2));
    labels.push_back(positive ? 1 : 0);
  }
  return unroll::TokenDataset(ids, labels);
}

/// All bits of all parameters, in one number that changes with any of them.
template <class M> std::uint64_t bits_of(const M& model) {
  std::uint64_t hash = 0;
  unroll::visit(
      [&](const unroll::Path&, const auto& p) {
        for (unroll::Index k = 0; k < p.size(); ++k)
          hash = hash * 0x100000001B3u + std::bit_cast<std::uint32_t>(p.data()[k]) + 1;
      },
      model);
  return hash;
}
/// The largest difference of two models' parameters.
template <class M> double distance(const M& a, const M& b) {
  double largest = 0;
  unroll::visit([&](const unroll::Path&, const auto& p,
                    const auto& q) { largest = std::max(largest, static_cast<double>((p - q).cwiseAbs().maxCoeff())); },
                a, b);
  return largest;
}
