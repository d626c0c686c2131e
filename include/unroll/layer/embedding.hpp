// Token ids to vectors.
#pragma once

#include <unroll/kernel/parallel.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

struct EmbeddingOptions {
  /// This row starts at zero and gets no gradient (PyTorch's padding_idx); -1: every row is an ordinary one (Keras).
  std::int32_t padding = -1;
};

/// y_n = column id_n of a (D, V) table.
template <class T = float> class Embedding {
 public:
  using Scalar = T;
  using State = None;
  using Options = EmbeddingOptions;
  template <Tokens In> using Output = PackedSequence<T>;

  Table<T> weight;  ///< (D, V); in files (V, D), row by row, as PyTorch writes it
  Options options;

  template <Tokens In> struct Cache {
    PackedSequence<T> y;
    bool want_y = true;  ///< false: y gets its size alone
    const PackedSequence<T>& output() const { return y; }
  };

  /// V tokens, D features.
  Embedding(Index V, Index D, Options how = {}) : weight(D, V), options(how) {
    require(how.padding >= -1 && how.padding < V, "Embedding: padding index ", how.padding, ", expected -1 to ", V - 1);
    weight.setZero();
  }

  template <Tokens In>
  const PackedSequence<T>& forward(const Context&, const In& x, Cache<In>& c, Carry<State> = {}) const {
    for (std::size_t n = 0; n < x.ids.size(); ++n)
      require(x.ids[n] >= 0 && x.ids[n] < weight.cols(), "Embedding: token id ", x.ids[n], " of sequence ",
              x.packing.sequence_of(Index(n)), " at step ", x.packing.time_of(Index(n)), ", expected 0 to ",
              weight.cols() - 1);
    c.y.packing = x.packing;
    c.y.values.resize(weight.rows(), x.packing.total());
    if (!c.want_y) return c.y;
    parallel_ranges(x.packing.total(), 256, [&](Index first, Index last) {
      for (Index n = first; n < last; ++n) c.y.values.col(n) = weight.col(x.ids[static_cast<std::size_t>(n)]);
    });
    return c.y;
  }
  /// Threads split the features, so each element is summed in the order of the columns.
  template <Tokens In>
  None backward(const In& x, const PackedSequence<T>& dy, Cache<In>&, Embedding& gradient, Carry<State> = {}) const {
    if (!weight.trainable) return {};
    detail::require_gradient("Embedding", dy.values, weight.rows(), x.packing.total());
    for (const std::int32_t id : x.ids)
      if (id != options.padding) gradient.weight.touch(id);
    parallel_ranges(weight.rows(), 32, [&](Index first, Index last) {
      for (Index n = 0; n < x.packing.total(); ++n)
        if (const std::int32_t id = x.ids[static_cast<std::size_t>(n)]; id != options.padding)
          gradient.weight.col(id).segment(first, last - first) += dy.values.col(n).segment(first, last - first);
    });
    return {};
  }

  void initialize(Rng rng, const Scheme& scheme) {
    fill(weight, scheme.embedding, Fan{weight.cols(), weight.rows(), 0.05}, rng.child(0));
    if (options.padding >= 0) weight.col(options.padding).setZero();
  }
  std::string describe() const { return concat("Embedding ", weight.cols(), " x ", weight.rows()); }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("weight", Kind::table), self.weight...);
  }
};
Embedding(Index, Index) -> Embedding<>;
Embedding(Index, Index, EmbeddingOptions) -> Embedding<>;

}  // namespace unroll::inline UNROLL_ABI
