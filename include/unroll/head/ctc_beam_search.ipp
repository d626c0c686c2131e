// Bodies of head/ctc_beam_search.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/core/range.hpp>
#include <unroll/head/ctc_beam_search.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

UNROLL_FUNCTION void check_beam(const CtcBeamOptions& options, Index classes) {
  require_at_least("ctc_beam_search", "width", options.width, 1);
  require_at_least("ctc_beam_search", "best", options.best, 1);
  require_index("ctc_beam_search", "blank", options.blank, classes);
}
UNROLL_FUNCTION void to_log_probabilities(Matrix<double>& z) {
  for (Index t = 0; t < z.cols(); ++t) {
    auto x = z.col(t).array();
    x -= x.maxCoeff();
    const double log_sum = std::log(x.exp().sum());
    require(has_finite_bits(log_sum), "ctc_beam_search: the logits of step ", t, " are no finite numbers");
    x -= log_sum;
  }
}

/// The search for one sequence.
class CtcPrefixes {
 public:
  CtcPrefixes(Index classes, const CtcBeamOptions& options) : classes_(classes), options_(options) {
    beam_.push_back({add_node(none, none, 0), 0, impossible});
  }

  void step(const Eigen::Ref<const Eigen::VectorXd>& log_p) {
    candidates_.clear();
    find_children();
    for (std::size_t i = 0; i < beam_.size(); ++i) {  // those that stay as they are
      const Entry& e = beam_[i];
      const Index last = node(e.node).label;
      const double repeated = last == none ? impossible : e.by_label + log_p[last];
      candidates_.push_back({i, none, e.all() + log_p[options_.blank], repeated, 0});
    }
    for (std::size_t i = 0; i < beam_.size(); ++i)
      for (Index k = 0; k < classes_; ++k)
        if (k != options_.blank) grow(i, k, log_p[k]);
    keep_best();
  }
  std::vector<CtcLabelling> answers() const {
    std::vector<CtcLabelling> all;
    for (const Entry& e : beam_) {
      CtcLabelling& of = all.emplace_back();
      labels_of(e.node, of.labels);
      of.log_probability = e.all();
      of.score = of.log_probability + node(e.node).score;
    }
    std::sort(all.begin(), all.end(), [](const CtcLabelling& a, const CtcLabelling& b) {
      return a.score != b.score ? a.score > b.score : a.labels < b.labels;
    });
    if (static_cast<Index>(all.size()) > options_.best) all.resize(static_cast<std::size_t>(options_.best));
    return all;
  }

 private:
  static constexpr Index none = -1;
  static constexpr double impossible = -std::numeric_limits<double>::infinity();

  /// A prefix: another one and a label. Those with the same parent are a list.
  struct Node {
    Index parent, label;
    double score;  ///< of all its labels
    Index first_child = none, next_sibling = none;
    std::vector<double> scores = {};  ///< of labels that follow
  };
  /// A prefix in the beam: log of the sum over the paths that end with a blank, and with its last label.
  struct Entry {
    Index node;
    double by_blank, by_label;
    double all() const { return log_add(by_blank, by_label); }
  };
  /// What an entry may become: itself, or with `label` at its end.
  struct Candidate {
    std::size_t from;
    Index label;
    double by_blank, by_label, score;
  };

  static double log_add(double a, double b) {
    const double most = (std::max)(a, b);
    return most == impossible ? most : most + std::log1p(std::exp((std::min)(a, b) - most));
  }
  Node& node(Index n) { return nodes_[static_cast<std::size_t>(n)]; }
  const Node& node(Index n) const { return nodes_[static_cast<std::size_t>(n)]; }
  Index add_node(Index parent, Index label, double score) {
    nodes_.push_back({parent, label, score});
    const Index added = static_cast<Index>(nodes_.size()) - 1;
    if (parent != none) node(added).next_sibling = std::exchange(node(parent).first_child, added);
    return added;
  }
  /// A prefix that fell out of the beam may come back, and its longer ones may still be there.
  Index child_of(Index parent, Index label) {
    for (Index n = node(parent).first_child; n != none; n = node(n).next_sibling)
      if (node(n).label == label) return n;
    return add_node(parent, label, node(parent).score + score_of(parent, label));
  }
  void labels_of(Index n, std::vector<Index>& labels) const {
    labels.clear();
    for (; node(n).parent != none; n = node(n).parent) labels.push_back(node(n).label);
    std::reverse(labels.begin(), labels.end());
  }
  double score_of(Index prefix, Index label) {
    if (!options_.score) return 0;
    std::vector<double>& scores = node(prefix).scores;
    if (scores.empty()) {
      labels_of(prefix, prefix_);
      for (Index k = 0; k < classes_; ++k) {
        scores.push_back(k == options_.blank ? 0 : options_.score(prefix_, k));
        require(scores.back() < -impossible, "ctc_beam_search: label ", k, " has a score of ", scores.back(),
                ", expected a number, or minus infinity");
      }
    }
    return scores[static_cast<std::size_t>(label)];
  }

  /// Which entry is another one with a label more.
  void find_children() {
    place_.resize(nodes_.size(), none);
    for (std::size_t i = 0; i < beam_.size(); ++i) place_[static_cast<std::size_t>(beam_[i].node)] = Index(i);
    child_.assign(beam_.size() * static_cast<std::size_t>(classes_), none);
    for (std::size_t i = 0; i < beam_.size(); ++i) {
      const Node& of = node(beam_[i].node);
      const Index parent = of.parent == none ? none : place_[static_cast<std::size_t>(of.parent)];
      if (parent != none) child_[static_cast<std::size_t>(parent * classes_ + of.label)] = Index(i);
    }
    for (const Entry& e : beam_) place_[static_cast<std::size_t>(e.node)] = none;
  }
  void grow(std::size_t i, Index label, double log_p) {
    const Entry& e = beam_[i];  // a label after itself needs a blank between
    const double grown = (node(e.node).label == label ? e.by_blank : e.all()) + log_p;
    const Index there = child_[i * static_cast<std::size_t>(classes_) + static_cast<std::size_t>(label)];
    if (there != none) {
      double& by_label = candidates_[static_cast<std::size_t>(there)].by_label;
      by_label = log_add(by_label, grown);
    } else if (grown != impossible) {
      candidates_.push_back({i, label, impossible, grown, 0});
    }
  }
  void keep_best() {
    for (Candidate& c : candidates_) {
      const Index prefix = beam_[c.from].node;
      c.score = log_add(c.by_blank, c.by_label) + node(prefix).score;
      if (c.label != none) c.score += score_of(prefix, c.label);
    }
    const auto kept = (std::min)(candidates_.size(), static_cast<std::size_t>(options_.width));
    order_.resize(candidates_.size());
    for (std::size_t c = 0; c < order_.size(); ++c) order_[c] = c;
    std::partial_sort(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(kept), order_.end(),
                      [&](std::size_t a, std::size_t b) {
                        const double of_a = candidates_[a].score, of_b = candidates_[b].score;
                        return of_a != of_b ? of_a > of_b : a < b;
                      });
    next_.clear();
    for (std::size_t n = 0; n < kept; ++n) {
      const Candidate& c = candidates_[order_[n]];
      if (n > 0 && c.score == impossible) break;
      const Index prefix = beam_[c.from].node;
      next_.push_back({c.label == none ? prefix : child_of(prefix, c.label), c.by_blank, c.by_label});
    }
    beam_.swap(next_);
  }

  Index classes_;
  const CtcBeamOptions& options_;
  std::vector<Node> nodes_;
  std::vector<Entry> beam_, next_;
  std::vector<Candidate> candidates_;
  std::vector<std::size_t> order_;
  std::vector<Index> place_, child_, prefix_;
};

UNROLL_FUNCTION std::vector<CtcLabelling> search_labellings(const Matrix<double>& log_p,
                                                            const CtcBeamOptions& options) {
  CtcPrefixes search(log_p.rows(), options);
  for (Index t = 0; t < log_p.cols(); ++t) search.step(log_p.col(t));
  return search.answers();
}

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
