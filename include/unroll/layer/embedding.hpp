// Token ids to vectors.
#pragma once

#include <unroll/core/parallel.hpp>
#include <unroll/kind/layer_kind.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

template <class T> class Embedding;

/// An embedding in files; takes one id a step.
struct EmbeddingKind {
  template <class T> using Layer = Embedding<T>;
  static constexpr std::string_view name = "embedding";
  static constexpr bool takes_tokens = true;
  static constexpr const char* no_stream = "an embedding comes first";
  UNROLL_API static void describe(Description& layer);
  /// `inputs` tokens.
  UNROLL_API static LayerData sized(Index inputs, Index outputs);
  template <class T> static Embedding<T> make(const LayerData& of);
  /// x (1, steps) are ids of the table.
  UNROLL_API static Matrix<double> run(const LayerData& layer, const Matrix<double>& x);
};

struct EmbeddingOptions {
  /// This row starts at zero and gets no gradient (PyTorch's padding_idx); -1: every row is an ordinary one (Keras).
  std::int32_t padding = -1;
};

/// y_n = column id_n of a (D, V) table.
template <class T = float> class Embedding {
 public:
  using Scalar = T;
  using State = Nothing;
  using KindInFiles = EmbeddingKind;
  using Options = EmbeddingOptions;
  template <Tokens In> using Output = PackedSequence<T>;

  Table<T> weight;  ///< (D, V); in files (V, D), row by row, as PyTorch writes it
  Options options;

  template <Tokens In> struct Cache {
    PackedSequence<T> y;
    bool want_vectors = true;  ///< false: y gets its size and words alone
    const PackedSequence<T>& output() const { return y; }
  };

  /// V tokens, D features.
  Embedding(Index V, Index D, Options how = {}) : options(how) {
    detail::require_size("Embedding", V, "tokens", 1);
    detail::require_size("Embedding", D, "features", 1);
    weight = Matrix<T>::Zero(D, V);
    check_padding();
  }

  template <Tokens In>
  const PackedSequence<T>& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> = {}) const {
    check_columns("Embedding", x);
    check_ids(x);
    c.y.packing = x.packing;
    c.y.values.resize(weight.rows(), x.packing.total());
    c.y.words.ids.assign(x.ids.begin(), x.ids.end());
    c.y.words.vocabulary = weight.cols();
    c.y.words.embedding = context.layer;
    if (c.want_vectors)
      parallel_ranges(x.packing.total(), 256, [&](Index first, Index last) {
        for (Index n = first; n < last; ++n) c.y.values.col(n) = weight.col(x.ids[static_cast<std::size_t>(n)]);
      });
    return c.y;
  }
  /// Threads split the features, so each element is summed in the order of the columns.
  template <Tokens In>
  Nothing backward(const In& x, const PackedSequence<T>& dy, Cache<In>& c, Embedding& gradient,
                   Carry<State> = {}) const {
    if (!weight.trainable) return {};
    detail::require_forward("Embedding", x, c.y);
    check_ids(x);
    detail::require_gradient("Embedding", dy, c.y);
    check_gradient_shapes("Embedding", *this, gradient);
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
    check_padding();
    if (options.padding >= 0) weight.col(options.padding).setZero();
  }
  std::string describe() const { return concat_text("Embedding ", weight.cols(), " x ", weight.rows()); }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("weight", Kind::table), self.weight...);
  }

 private:
  void check_padding() const {
    require(options.padding >= -1 && options.padding < weight.cols(), "Embedding: padding index ", options.padding,
            ", expected -1 to ", weight.cols() - 1);
  }
  void check_ids(const TokenBatch& x) const {
    for (std::size_t n = 0; n < x.ids.size(); ++n)
      if (x.ids[n] < 0 || x.ids[n] >= weight.cols()) [[unlikely]] {
        x.packing.check("Embedding");
        fail("Embedding: token id ", x.ids[n], " of sequence ", x.packing.sequence_of(Index(n)), " at step ",
             x.packing.time_of(Index(n)), ", expected 0 to ", weight.cols() - 1);
      }
  }
};
template <class T> Embedding<T> EmbeddingKind::make(const LayerData& of) {
  return Embedding<T>(of.tensor("weight").cols(), of.tensor("weight").rows());
}
Embedding(Index, Index) -> Embedding<>;
Embedding(Index, Index, EmbeddingOptions) -> Embedding<>;

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/layer/embedding.ipp>
#endif
