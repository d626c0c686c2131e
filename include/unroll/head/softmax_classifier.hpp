// A softmax over classes, few or a whole vocabulary.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <unroll/core/denormals.hpp>
#include <unroll/head/head.hpp>
#include <unroll/kernel/matmul.hpp>
#include <unroll/kernel/softmax.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/loss/loss.hpp>

namespace unroll::inline UNROLL_ABI {

struct SoftmaxClassifierOptions {
  bool bias = true;
  /// Instead of a weight of its own the head uses the table of the model's embedding, D features and V tokens, whose
  /// gradient gets both parts (Press and Wolf 2017). The model has one such embedding.
  bool tied = false;
  double label_smoothing = 0;
  Index ignore_index = -100;  ///< columns with this label count for nothing
};

/// A head that decides for one of V classes: Dense{D, V} with CrossEntropy, without V x N logits. For every column h
///   x = W h + b,   l = sum_c t_c (log sum_k exp x_k - x_c),   t_c = (1 - s) [c == y] + s / V
/// with label smoothing s; the mean is over the columns that are not ignored. PyTorch's linear and cross_entropy.
///
/// It goes through 256 columns of h at a time, in blocks of 512 rows of W. The exponentials of a block are taken
/// relative to its own largest logit, while it is in cache, and kept; when all blocks are known they become the
/// gradient: no logit is computed twice. Memory beside the parameters: V x 256 numbers for the loss with its gradient,
/// as much as W has at D = 256 however many columns there are, and 512 x 256 for the loss alone and for `decode`.
/// Threads split products and columns, never sums: the same bits for any number.
template <class T = float> class SoftmaxClassifier : public HeadLayer<SoftmaxClassifier<T>, T> {
 public:
  using State = Nothing;
  using Options = SoftmaxClassifierOptions;

  Parameter<T> weight;  ///< (V, D), empty where it is tied
  Parameter<T> bias;    ///< (V), empty if not wanted
  Options options;

  struct Scratch {
    Matrix<T> exponentials;              // a block after the other, each (rows_at_once, columns_at_once)
    Matrix<T> largest, sum, sum_of_x;    // of each block and column: (columns_at_once, blocks)
    Matrix<T> factor, shift;             // (columns_at_once)
    Matrix<double> of_label;             // (columns_at_once)
    std::vector<std::uint8_t> is_first;  // no earlier row of the label's block has a logit as large
    MatmulScratch<T> product;
    std::vector<Index> labels;  // what was decided
    const Table<T>* table = nullptr;
    Table<T>* d_table = nullptr;
  };

  /// D features, V classes.
  SoftmaxClassifier(Index D, Index V, Options how = {}) : options(how), inputs_(D), classes_(V) {
    detail::require_size("SoftmaxClassifier", D, "features", 1);
    detail::require_size("SoftmaxClassifier", V, "classes", 1);
    weight = Matrix<T>::Zero(how.tied ? 0 : V, D);
    bias = Matrix<T>::Zero(how.bias ? V : 0, 1);
    check_options();
  }

  Index inputs() const { return inputs_; }
  Index classes() const { return classes_; }

  /// z (D, n), n labels 0 .. V - 1 or ignore_index: of steps in packed order, or of sequences. Throws for other labels.
  template <Vectors<T> Z>
  HeadResult loss(const Z& z, Labels labels, Z& dz, SoftmaxClassifier& gradient, Scratch& s,
                  std::span<const double> sample_weights = {}, double whole_weight = 0) const {
    check_gradient_shapes("SoftmaxClassifier", *this, gradient);
    check_columns_of(z, labels);
    shape_like(dz, z, inputs());
    return compute(values(z), labels, &values(dz), &gradient, s, sample_weights, whole_weight);
  }
  template <Vectors<T> Z> HeadResult loss(const Z& z, Labels labels, Scratch& s) const {
    check_columns_of(z, labels);
    return compute(values(z), labels, nullptr, nullptr, s, {}, 0);
  }
  double weight_of(Labels labels) const {
    return static_cast<double>(detail::count_labels(labels, options.ignore_index));
  }

  /// The class with the largest logit, the first of equals, for each column.
  template <Vectors<T> Z> const std::vector<Index>& decode(const Z& z, Scratch& s) const {
    check_columns("SoftmaxClassifier", z);
    decide(values(z), s);
    return s.labels;
  }
  /// The probabilities of all classes for each column, (V, n): V x n numbers.
  template <Vectors<T> Z> Matrix<T> probabilities(const Z& z, Scratch& s) const {
    check_columns("SoftmaxClassifier", z);
    return all_probabilities(values(z), s);
  }

  /// Finds the embedding that a tied one shares.
  template <class M> void share(const M& model, M* gradient, Scratch& s) const {
    if (!options.tied) return;
    s.table = nullptr, s.d_table = nullptr;
    const auto find = [&](auto& of, auto*& found) {
      unroll::visit(
          [&](const Path& path, auto& p) {
            if constexpr (is_table<decltype(p)>)
              if (p.rows() == inputs_ && p.cols() == classes_) {
                require(found == nullptr, "SoftmaxClassifier: ", path.str(), " is a second embedding of ", classes_,
                        " x ", inputs_, ", and the head is tied to one");
                found = &p;
              }
          },
          of);
    };
    find(model, s.table);
    require(s.table != nullptr, "SoftmaxClassifier: it is tied, and the model has no embedding of ", classes_, " x ",
            inputs_);
    if (gradient != nullptr && s.table->trainable) find(*gradient, s.d_table);
  }

  void initialize(Rng rng, const Scheme& scheme) {
    const Fan fan{inputs_, classes_, 1 / std::sqrt(static_cast<double>(inputs_))};
    fill(weight, scheme.dense, fan, rng.child(0));
    fill(bias, scheme.bias, fan, rng.child(1));
  }
  std::string describe() const {
    return concat_text("SoftmaxClassifier ", inputs_, " -> ", classes_, options.tied ? ", tied" : "");
  }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("weight", Kind::weight), self.weight...);
    f(at.leaf("bias", Kind::bias), self.bias...);
  }

 private:
  static constexpr Index rows_at_once = 512;                     // with as many columns: 512 KB of floats
  static constexpr Index columns_at_once = detail::depth_block;  // a block of the sum that a gradient of W is

  UNROLL_API HeadResult compute(const Matrix<T>& z, Labels labels, Matrix<T>* dz, SoftmaxClassifier* gradient,
                                Scratch& s, std::span<const double> sample_weights, double whole_weight) const;
  UNROLL_API void decide(const Matrix<T>& z, Scratch& s) const;
  UNROLL_API Matrix<T> all_probabilities(const Matrix<T>& z, Scratch& s) const;
  UNROLL_API void check_options() const;

  template <class Z> static void check_columns_of(const Z& z, Labels labels) {
    check_columns("SoftmaxClassifier", z);
    if constexpr (is_packed<Z>) detail::check_columns_of_steps(z.packing, z.values.cols(), labels.size());
  }
  void check(const Matrix<T>& z, const Scratch& s) const;
  void check_labels(Index columns, Labels labels, std::span<const double> sample_weights) const;

  struct Block {
    Index number, first, rows;
  };
  Index blocks() const { return (classes_ + rows_at_once - 1) / rows_at_once; }
  Block block(Index b) const { return {b, b * rows_at_once, (std::min)(rows_at_once, classes_ - b * rows_at_once)}; }
  /// Rows of W, as `multiply_views` takes them: op(view) is (rows, D).
  View<const T> weight_view(const Block& b, const Scratch& s) const {
    return options.tied ? view(*s.table).middle_cols(b.first, b.rows) : view(weight).middle_rows(b.first, b.rows);
  }
  /// W h + b of a block for some columns.
  void logits(const Block& b, View<const T> h, View<T> to, Scratch& s) const {
    detail::multiply_views<T>(to, weight_view(b, s), options.tied ? Transpose::yes : Transpose::no, h, Transpose::no,
                              Accumulate::no, s.product, Blocks::ascending,
                              bias.size() > 0 ? bias.data() + b.first : nullptr);
  }
  View<T> room(const Block& b, Index columns, bool keep_all, Scratch& s) const {
    return {s.exponentials.data() + (keep_all ? b.number : 0) * rows_at_once * columns_at_once, b.rows, columns,
            b.rows};
  }
  void reserve(bool keep_all, Scratch& s) const;
  /// Logits of a block become exponentials; what is known of its columns goes into the scratch.
  void exponentiate(const Block& b, View<T> x, Labels labels, Index first_column, bool with_sums, Scratch& s) const;
  /// d logits of a block to the gradients.
  void add_gradients(const Block& b, View<const T> d, View<const T> h, View<T> dh, SoftmaxClassifier& gradient,
                     Scratch& s) const;

  Index inputs_, classes_;
};
SoftmaxClassifier(Index, Index) -> SoftmaxClassifier<>;
SoftmaxClassifier(Index, Index, SoftmaxClassifierOptions) -> SoftmaxClassifier<>;

template <class T> void SoftmaxClassifier<T>::reserve(bool keep_all, Scratch& s) const {
  const Index kept = keep_all ? blocks() : 1;
  if (s.exponentials.capacity() < kept * rows_at_once * columns_at_once)
    s.exponentials.resize(rows_at_once * columns_at_once, kept);
  for (Matrix<T>* of : {&s.largest, &s.sum, &s.sum_of_x}) of->resize(columns_at_once, blocks());
  for (Matrix<T>* of : {&s.factor, &s.shift}) of->resize(columns_at_once, 1);
  s.of_label.resize(columns_at_once, 1);
  s.is_first.resize(static_cast<std::size_t>(columns_at_once));
}

template <class T>
void SoftmaxClassifier<T>::exponentiate(const Block& b, View<T> x, Labels labels, Index first_column, bool with_sums,
                                        Scratch& s) const {
  for (Index n = 0; n < (labels.size() > 0 ? x.cols : 0); ++n) {
    const Index at = labels[first_column + n] - b.first;
    if (at < 0 || at >= x.rows) continue;
    const T* const column = x.data + n * x.stride;
    s.of_label(n, 0) = double(column[at]);
    s.is_first[static_cast<std::size_t>(n)] =
        std::any_of(column, column + at, [&](T earlier) { return earlier >= column[at]; }) ? 0 : 1;
  }
  parallel_ranges(x.cols, 16, [&](Index first, Index last) {
    const Index at = first + b.number * columns_at_once;
    detail::dispatch<detail::SoftmaxColumns>(
        detail::SoftmaxBlock<T>{x.middle_cols(first, last - first), s.largest.data() + at,
                                with_sums ? s.sum.data() + at : nullptr, s.sum_of_x.data() + at});
  });
}

template <class T>
HeadResult SoftmaxClassifier<T>::compute(const Matrix<T>& z, Labels labels, Matrix<T>* dz, SoftmaxClassifier* gradient,
                                         Scratch& s, std::span<const double> sample_weights,
                                         double whole_weight) const {
  check(z, s);
  check_labels(z.cols(), labels, sample_weights);
  const FlushDenormals flush;
  const double total = weight_of(labels), divisor = whole_weight > 0 ? whole_weight : total;
  const double smooth = options.label_smoothing / static_cast<double>(classes_);
  if (!(total > 0)) {
    if (dz != nullptr) dz->setZero();
    return {};
  }
  const bool keep_all = dz != nullptr;
  reserve(keep_all, s);
  if (keep_all && options.tied && s.d_table != nullptr)
    for (Index v = 0; v < classes_; ++v) s.d_table->touch(v);  // every token is a class
  HeadResult result{0, total, 0, static_cast<Index>(total)};
  for (Index first = 0; first < z.cols(); first += columns_at_once) {
    const Index columns = (std::min)(columns_at_once, z.cols() - first);
    const View<const T> h = view(z).middle_cols(first, columns);
    for (Index b = 0; b < blocks(); ++b) {
      const View<T> x = room(block(b), columns, keep_all, s);
      logits(block(b), h, x, s);
      exponentiate(block(b), x, labels, first, true, s);
    }
    // log Z, and from here on row b of `largest` is what the exponentials of block b are multiplied by for d logits.
    for (Index n = 0; n < columns; ++n) {
      const Index label = labels[first + n];
      const bool counts = label != options.ignore_index;
      const double sample = detail::at_or_one(sample_weights, first + n);
      auto largest = s.largest.row(n);
      const double most = double(largest.maxCoeff());
      double partition = 0, sum_of_x = 0;
      for (Index b = 0; b < blocks(); ++b) {
        partition += double(s.sum(n, b)) * std::exp(double(largest[b]) - most);
        sum_of_x += double(s.sum_of_x(n, b));
      }
      const double log_z = most + std::log(partition), x_label = s.of_label(n, 0);
      if (counts) {
        result.loss +=
            sample * (log_z - (1 - options.label_smoothing) * x_label - (smooth > 0 ? smooth * sum_of_x : 0.0));
        const Index its_block = label / rows_at_once;
        bool right = x_label >= most && s.is_first[static_cast<std::size_t>(n)] != 0;
        for (Index b = 0; b < its_block; ++b) right = right && double(largest[b]) < most;
        result.correct += right ? 1 : 0;
      }
      const double scale = counts ? sample / divisor : 0;
      for (Index b = 0; b < blocks(); ++b)
        largest[b] = static_cast<T>(scale * std::exp(double(largest[b]) - most) / partition);
      s.factor(n, 0) = static_cast<T>(scale * (1 - options.label_smoothing));
      s.shift(n, 0) = static_cast<T>(scale * smooth);
    }
    if (!keep_all) continue;
    for (Index b = 0; b < blocks(); ++b) {
      const View<T> d = room(block(b), columns, true, s);
      parallel_ranges(columns, 16, [&](Index from, Index to) {
        detail::dispatch<detail::ScaleColumns>(d.middle_cols(from, to - from),
                                               static_cast<const T*>(s.largest.data() + b * columns_at_once + from),
                                               static_cast<const T*>(s.shift.data() + from));
      });
      for (Index n = 0; n < columns; ++n)
        if (const Index at = labels[first + n] - block(b).first; at >= 0 && at < d.rows)
          d.data[at + n * d.stride] -= s.factor(n, 0);
      add_gradients(block(b), d, h, view(*dz).middle_cols(first, columns), *gradient, s);
    }
  }
  result.loss /= total;
  return result;
}

template <class T>
void SoftmaxClassifier<T>::add_gradients(const Block& b, View<const T> d, View<const T> h, View<T> dh,
                                         SoftmaxClassifier& gradient, Scratch& s) const {
  detail::multiply_views<T>(dh, weight_view(b, s), options.tied ? Transpose::no : Transpose::yes, d, Transpose::no,
                            b.number > 0 ? Accumulate::yes : Accumulate::no, s.product, Blocks::ascending, nullptr);
  if (bias.size() > 0 && bias.trainable)
    detail::add_row_sums_of<T>(d, gradient.bias.data() + b.first, Blocks::ascending);
  if (options.tied && s.d_table != nullptr)
    detail::multiply_views<T>(view(*s.d_table).middle_cols(b.first, b.rows), h, Transpose::no, d, Transpose::yes,
                              Accumulate::yes, s.product, Blocks::ascending, nullptr);
  else if (!options.tied && weight.trainable)
    detail::multiply_views<T>(view(gradient.weight).middle_rows(b.first, b.rows), d, Transpose::no, h, Transpose::yes,
                              Accumulate::yes, s.product, Blocks::ascending, nullptr);
}

template <class T> void SoftmaxClassifier<T>::decide(const Matrix<T>& z, Scratch& s) const {
  check(z, s);
  reserve(false, s);
  s.labels.resize(static_cast<std::size_t>(z.cols()));
  for (Index first = 0; first < z.cols(); first += columns_at_once) {
    const Index columns = (std::min)(columns_at_once, z.cols() - first);
    for (Index b = 0; b < blocks(); ++b) {
      const View<T> x = room(block(b), columns, false, s);
      logits(block(b), view(z).middle_cols(first, columns), x, s);
      exponentiate(block(b), x, {}, first, false, s);
      for (Index n = 0; n < columns; ++n) {
        const T largest = s.largest(n, b), *column = x.data + n * x.stride;
        if (b > 0 && !(largest > s.factor(n, 0))) continue;
        s.factor(n, 0) = largest;
        const Index at = std::find(column, column + x.rows, largest) - column;
        s.labels[static_cast<std::size_t>(first + n)] = block(b).first + (at < x.rows ? at : 0);
      }
    }
  }
}
template <class T> Matrix<T> SoftmaxClassifier<T>::all_probabilities(const Matrix<T>& z, Scratch& s) const {
  check(z, s);
  Matrix<T> p(classes_, z.cols());
  for (Index b = 0; b < blocks(); ++b) logits(block(b), view(z), view(p).middle_rows(block(b).first, block(b).rows), s);
  for (Index n = 0; n < z.cols(); ++n) {
    p.col(n).array() = (p.col(n).array() - p.col(n).maxCoeff()).exp();
    p.col(n) /= p.col(n).sum();
  }
  return p;
}

template <class T> void SoftmaxClassifier<T>::check_options() const {
  detail::require_share("SoftmaxClassifier", "label_smoothing", options.label_smoothing);
}
template <class T> void SoftmaxClassifier<T>::check(const Matrix<T>& z, const Scratch& s) const {
  detail::require_features("SoftmaxClassifier", z, inputs_);
  check_options();
  if (!options.tied)
    require(weight.rows() == classes_ && weight.cols() == inputs_, "SoftmaxClassifier: the weight is ", weight.rows(),
            " x ", weight.cols(), ", expected ", classes_, " x ", inputs_);
  else
    require(s.table != nullptr && s.table->rows() == inputs_ && s.table->cols() == classes_,
            "SoftmaxClassifier: it is tied, and share(model, ..) has not said to which embedding of ", classes_, " x ",
            inputs_);
  require(bias.size() == 0 || bias.size() == classes_, "SoftmaxClassifier: bias has ", bias.size(),
          " elements, expected ", classes_);
}
template <class T>
void SoftmaxClassifier<T>::check_labels(Index columns, Labels labels, std::span<const double> sample_weights) const {
  detail::check_columns("SoftmaxClassifier", columns, labels.size());
  detail::check_sample_weights("SoftmaxClassifier", columns, sample_weights);
  detail::check_labels("SoftmaxClassifier", labels, classes_, options.ignore_index);
}

#define UNROLL_SOFTMAX_CLASSIFIER_INSTANCES(DECLARE, T)                                                              \
  DECLARE HeadResult SoftmaxClassifier<T>::compute(const Matrix<T>&, Labels, Matrix<T>*, SoftmaxClassifier<T>*,      \
                                                   SoftmaxClassifier<T>::Scratch&, std::span<const double>, double)  \
      const;                                                                                                         \
  DECLARE void SoftmaxClassifier<T>::decide(const Matrix<T>&, SoftmaxClassifier<T>::Scratch&) const;                 \
  DECLARE Matrix<T> SoftmaxClassifier<T>::all_probabilities(const Matrix<T>&, SoftmaxClassifier<T>::Scratch&) const; \
  DECLARE void SoftmaxClassifier<T>::check_options() const;
#if !UNROLL_HEADER_ONLY
UNROLL_SOFTMAX_CLASSIFIER_INSTANCES(extern template, float)
UNROLL_SOFTMAX_CLASSIFIER_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI
