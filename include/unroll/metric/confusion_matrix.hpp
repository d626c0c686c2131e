// Which classes a classifier takes for which, and what follows from that.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/metric/counts.hpp>
#include <unroll/metric/metric.hpp>

namespace unroll::inline UNROLL_ABI {

/// Counts of (true class, predicted class), added up over as many batches as there are: what is computed from them is
/// exact.
class UNROLL_API ConfusionMatrix {
 public:
  /// Throws unless there are at least 2 classes, and as many names or none.
  explicit ConfusionMatrix(Index classes, std::vector<std::string> names = {});

  UNROLL_API ConfusionMatrix(const ConfusionMatrix& other);
  UNROLL_API ConfusionMatrix(ConfusionMatrix&& other) noexcept;
  UNROLL_API ConfusionMatrix& operator=(const ConfusionMatrix& other);
  UNROLL_API ConfusionMatrix& operator=(ConfusionMatrix&& other) noexcept;
  UNROLL_API ~ConfusionMatrix();

  Index classes() const { return static_cast<Index>(names_.size()); }
  /// Throws for a class that is not there.
  void add(Index truth, Index predicted, Index times = 1);
  void add(std::span<const Index> truth, std::span<const Index> predicted);
  /// The largest of a model's outputs, (K, n), column by column; of one row, class 1 where it is above 0. Labels below
  /// 0 are left out.
  template <class T> void add_logits(const Matrix<T>& logits, std::span<const Index> truth);
  /// The counts of another one, of the same classes.
  void add(const ConfusionMatrix& other);

  Index count(Index truth, Index predicted) const;
  Index count() const;
  ClassCounts of(Index k) const;

  double accuracy() const;
  double precision(Index k) const { return of(k).precision(); }
  double recall(Index k) const { return of(k).recall(); }
  double f1(Index k) const { return of(k).f1(); }
  // Means over the classes that occur or are predicted.
  double macro_precision() const { return macro(&ClassCounts::precision); }
  double macro_recall() const { return macro(&ClassCounts::recall); }
  double macro_f1() const { return macro(&ClassCounts::f1); }
  double micro_f1() const { return accuracy(); }  ///< of the counts of all classes together, which is the accuracy
  double weighted_f1() const;                     ///< weighted by how many there are of each class
  double balanced_accuracy() const;               ///< mean recall of the classes that occur
  double matthews() const;  ///< correlation of truth and prediction, -1 to 1 (Matthews 1975; Gorodkin 2004)

  /// How many classes occur.
  Index classes_there() const;
  /// Whether a class is more than twice as frequent as another: accuracy says little then.
  bool is_unequal() const;
  /// The accuracy of always saying the most frequent class.
  double majority_share() const;
  /// By name: accuracy, balanced_accuracy, macro_precision, macro_recall, macro_f1, micro_f1, weighted_f1, matthews;
  /// precision_<class>, recall_<class>, f1_<class>; of two classes precision, recall, f1: those of class 1.
  std::optional<double> find(std::string_view name) const;
  const std::vector<std::string>& names() const { return names_; }
  bool operator==(const ConfusionMatrix&) const = default;

  /// A table: true classes down, predicted ones across, and each class's precision, recall and F1.
  std::string str() const;

 private:
  double macro(double (ClassCounts::*score)() const) const;
  void check(Index k, const char* what) const;

  std::vector<std::string> names_;
  std::vector<Index> counts_;  // (classes, classes), row by row
};

template <class T> void ConfusionMatrix::add_logits(const Matrix<T>& logits, std::span<const Index> truth) {
  require(logits.cols() == static_cast<Index>(truth.size()) &&
              logits.rows() == (classes() == 2 && logits.rows() == 1 ? 1 : classes()),
          "ConfusionMatrix: outputs are ", logits.rows(), " x ", logits.cols(), " for ", truth.size(), " labels of ",
          classes(), " classes");
  std::vector<Index> predicted;
  decide(logits, predicted);
  for (std::size_t n = 0; n < truth.size(); ++n)
    if (truth[n] >= 0) add(truth[n], predicted[n]);
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/metric/confusion_matrix.ipp>
#endif
