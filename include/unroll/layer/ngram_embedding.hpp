// Groups of neighbouring tokens to vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <unroll/core/parallel.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

struct NgramOptions {
  Index longest = 2;  ///< n: groups of 2, .., n tokens
};

/// The last n - 1 tokens before a step.
template <class T> struct NgramState {
  Matrix<T> ids;  ///< (n - 1, B): row k has 1 + the id of k + 1 steps before; 0: none was there

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("ids", Kind::state), self.ids...);
  }
};

/// y_t = sum over k = 2, .., n of column hash(x_(t-k+1), .., x_t) of a (D, buckets) table: "not good" has a vector of
/// its own, beside those of "not" and "good". Groups that begin before the text are left out, so the first step of all
/// is zero. Different groups may share a column, which does little harm while there are several columns for each group
/// that is frequent. Takes ids below 2^24, whatever the size of the vocabulary. Joulin et al. 2017, where they are
/// added to the vectors of words: `run(embed, x) + run(pairs, x)`.
template <class T = float> class NgramEmbedding {
 public:
  using Scalar = T;
  using State = NgramState<T>;
  using Options = NgramOptions;
  template <Tokens In> using Output = PackedSequence<T>;

  Table<T> weight;  ///< (D, buckets); in files (buckets, D), row by row
  Options options;

  template <Tokens In> struct Cache {
    PackedSequence<T> y;
    std::vector<std::int32_t> columns;  ///< (n - 1, N): of the table; -1 where there is no group
    const PackedSequence<T>& output() const { return y; }
  };

  NgramEmbedding(Index buckets, Index D, Options how = {}) : options(how) {
    detail::require_size("NgramEmbedding", buckets, "buckets", 1);
    detail::require_size("NgramEmbedding", D, "features", 1);
    require(options.longest >= 2 && options.longest <= 16, "NgramEmbedding: groups of ", options.longest,
            " tokens at most, expected 2 to 16");
    weight = Matrix<T>::Zero(D, buckets);
  }

  template <Tokens In>
  const PackedSequence<T>& forward(const Context&, const In& x, Cache<In>& c, Carry<State> carry = {}) const {
    check_batch("NgramEmbedding", x);
    check_columns("NgramEmbedding", x);
    find_columns(x, carry.in, c.columns);
    c.y.packing = x.packing;
    c.y.values.resize(weight.rows(), x.packing.total());
    const Index groups = options.longest - 1;
    parallel_ranges(x.packing.total(), 256, [&](Index first, Index last) {
      for (Index n = first; n < last; ++n) {
        auto y = c.y.values.col(n);
        y.setZero();
        for (Index k = 0; k < groups; ++k)
          if (const std::int32_t column = c.columns[static_cast<std::size_t>(n * groups + k)]; column >= 0)
            y += weight.col(column);
      }
    });
    if (carry.out != nullptr) leave(x, carry.in, *carry.out);
    return c.y;
  }
  /// Threads split the features, so each element is summed in the order of the columns.
  template <Tokens In>
  Nothing backward(const In& x, const PackedSequence<T>& dy, Cache<In>& c, NgramEmbedding& gradient,
                   Carry<State> carry = {}) const {
    // Nothing depends smoothly on which tokens came before.
    if (carry.out != nullptr) carry.out->ids = Matrix<T>::Zero(options.longest - 1, x.packing.batch());
    if (!weight.trainable) return {};
    detail::require_forward("NgramEmbedding", x, c.y);
    detail::require_gradient("NgramEmbedding", dy, c.y);
    check_gradient_shapes("NgramEmbedding", *this, gradient);
    for (const std::int32_t column : c.columns)
      if (column >= 0) gradient.weight.touch(column);
    const Index groups = options.longest - 1;
    parallel_ranges(weight.rows(), 32, [&](Index first, Index last) {
      for (std::size_t at = 0; at < c.columns.size(); ++at)
        if (const std::int32_t column = c.columns[at]; column >= 0)
          gradient.weight.col(column).segment(first, last - first) +=
              dy.values.col(static_cast<Index>(at) / groups).segment(first, last - first);
    });
    return {};
  }

  void initialize(Rng rng, const Scheme& scheme) {
    fill(weight, scheme.embedding, Fan{weight.cols(), weight.rows(), 0.05}, rng.child(0));
  }
  std::string describe() const {
    return concat_text("NgramEmbedding of 2 to ", options.longest, ", ", weight.cols(), " x ", weight.rows());
  }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("weight", Kind::table), self.weight...);
  }

 private:
  static constexpr std::int32_t ids_end = 1 << 24;  ///< what a float holds exactly, with 1 added

  /// The id of `back` steps before step t of the j-th longest sequence; -1: none.
  template <class In> static std::int32_t id_before(const In& x, const State* start, Index t, Index j, Index back) {
    const Packing& p = x.packing;
    if (back <= t) return x.ids[static_cast<std::size_t>(p.offset(t - back) + j)];
    return start == nullptr ? -1 : static_cast<std::int32_t>(start->ids(back - t - 1, p.row(j))) - 1;
  }
  template <class In> void find_columns(const In& x, const State* start, std::vector<std::int32_t>& columns) const {
    const Packing& p = x.packing;
    const Index groups = options.longest - 1;
    require(start == nullptr || (start->ids.rows() == groups && start->ids.cols() == p.batch()),
            "NgramEmbedding: a state of ", start == nullptr ? 0 : start->ids.rows(), " x ",
            start == nullptr ? 0 : start->ids.cols(), ", expected ", groups, " x ", p.batch());
    for (std::size_t n = 0; n < x.ids.size(); ++n)
      require(x.ids[n] >= 0 && x.ids[n] < ids_end - 1, "NgramEmbedding: token id ", x.ids[n], " of sequence ",
              p.sequence_of(static_cast<Index>(n)), " at step ", p.time_of(static_cast<Index>(n)), ", expected 0 to ",
              ids_end - 2);
    columns.assign(x.ids.size() * static_cast<std::size_t>(groups), -1);
    for (Index t = 0; t < p.steps(); ++t)
      for (Index j = 0; j < p.batch_size(t); ++j) {
        const auto first = static_cast<std::size_t>((p.offset(t) + j) * groups);
        std::uint64_t hash = mix(0, id_before(x, start, t, j, 0));
        for (Index k = 0; k < groups; ++k) {
          const std::int32_t id = id_before(x, start, t, j, k + 1);
          if (id < 0) break;
          hash = mix(hash, id);
          columns[first + static_cast<std::size_t>(k)] =
              static_cast<std::int32_t>(hash % static_cast<std::uint64_t>(weight.cols()));
        }
      }
  }
  template <class In> void leave(const In& x, const State* start, State& end) const {
    const Packing& p = x.packing;
    Matrix<T> ids(options.longest - 1, p.batch());  // `end` may be `start`
    for (Index j = 0; j < p.batch(); ++j)
      for (Index k = 0; k < ids.rows(); ++k)
        ids(k, p.row(j)) = static_cast<T>(id_before(x, start, p.length(j), j, k + 1) + 1);
    end.ids = std::move(ids);
  }
  /// The finalizer of SplitMix64 (Steele et al. 2014) over what is hashed so far and one id more.
  static std::uint64_t mix(std::uint64_t hash, std::int32_t id) {
    std::uint64_t z = hash + 0x9E3779B97F4A7C15 * (static_cast<std::uint64_t>(id) + 1);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
};
NgramEmbedding(Index, Index) -> NgramEmbedding<>;
NgramEmbedding(Index, Index, NgramOptions) -> NgramEmbedding<>;

}  // namespace unroll::inline UNROLL_ABI
