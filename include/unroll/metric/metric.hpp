// A metric of any kind, for those who only add batches and ask for numbers.
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/core/packing.hpp>

namespace unroll::inline UNROLL_ABI {

/// A batch as a metric sees it: what a model gave and what was right, a column for each sequence or, with a packing,
/// for each step.
template <class T> struct MetricBatch {
  const Matrix<T>& outputs;             ///< (K, n) as the model gives them; empty where a classifier's are no logits
  std::span<const Index> labels = {};   ///< (n) the true classes, below 0 where a column counts for nothing; or
  const Matrix<T>* numbers = nullptr;   ///< (K, n) the true numbers
  std::span<const Index> decided = {};  ///< (n) the classes decided for; with labels
  const Packing* packing = nullptr;     ///< of the steps
};

/// The class that each column of logits (K, n) decides for: the largest, the first of equals; of one row, class 1 where
/// it is above 0.
template <class T> UNROLL_API void decide(const Matrix<T>& logits, std::vector<Index>& classes);
template <class T> void decide(const Matrix<T>& logits, std::vector<Index>& classes) {
  classes.resize(static_cast<std::size_t>(logits.cols()));
  for (Index n = 0; n < logits.cols(); ++n) {
    Index& decided = classes[static_cast<std::size_t>(n)];
    if (logits.rows() == 1)
      decided = logits(0, n) > 0 ? 1 : 0;
    else
      logits.col(n).maxCoeff(&decided);
  }
}

using MetricValues = std::map<std::string, double, std::less<>>;

namespace detail {
/// Throws where a metric of classes is given numbers, and the other way round.
UNROLL_API void require_labels(const char* who, bool has_numbers);
UNROLL_API void require_numbers(const char* who, bool has_numbers);

template <class C, class T>
concept TakesMetricBatch = requires(C& c, const MetricBatch<T>& batch) { c.add(batch); };
template <class C> inline constexpr bool is_metric = false;
template <class C> requires(TakesMetricBatch<C, float> || TakesMetricBatch<C, double>)
inline constexpr bool is_metric<C> = requires(const C& c) {
  { c.values() } -> std::convertible_to<MetricValues>;
};
}  // namespace detail

class Metrics;

/// Any value with `void add(const MetricBatch<T>&)`, for the T of the models it is for, and `MetricValues values()
/// const`: numbers by the names under which callbacks monitor them. It has counts or sums, so that its numbers do not
/// depend on the batches. `fit` and `evaluate` work on copies of what they are given, which should have seen nothing
/// yet.
class Metric {
 public:
  template <class C> requires(!std::same_as<C, Metric> && !std::same_as<C, Metrics>)
  Metric(C metric) {  // NOLINT: implicit, metrics stand in a list
    constexpr bool complete = detail::is_metric<C>;
    static_assert(complete,
                  "unroll::Metric: this has no `void add(const MetricBatch<float>&)` or no `MetricValues values() "
                  "const`");
    if constexpr (complete) of_ = std::make_shared<Of<C>>(std::move(metric));
  }
  /// One of its own.
  Metric copy() const { return Metric(of().copy()); }

  void add(const MetricBatch<float>& batch) { of().add(batch); }
  void add(const MetricBatch<double>& batch) { of().add(batch); }
  MetricValues values() const { return of().values(); }

 private:
  struct UNROLL_API Interface {
    virtual ~Interface() = default;
    virtual std::shared_ptr<Interface> copy() const = 0;
    virtual void add(const MetricBatch<float>&) = 0;
    virtual void add(const MetricBatch<double>&) = 0;
    virtual MetricValues values() const = 0;
  };
  template <class C> struct Of final : Interface {
    explicit Of(C of) : c(std::move(of)) {}
    std::shared_ptr<Interface> copy() const override { return std::make_shared<Of>(c); }
    void add(const MetricBatch<float>& batch) override { add_to(c, batch); }
    void add(const MetricBatch<double>& batch) override { add_to(c, batch); }
    MetricValues values() const override { return c.values(); }
    template <class T> static void add_to(C& c, const MetricBatch<T>& batch) {
      if constexpr (requires { c.add(batch); })
        c.add(batch);
      else
        fail("Metric: this one does not take the model's scalar");
    }
    C c;
  };
  explicit Metric(std::shared_ptr<Interface> of) : of_(std::move(of)) {}
  Interface& of() const {
    require(of_ != nullptr, "Metric: used after it was moved from");
    return *of_;
  }

  std::shared_ptr<Interface> of_;
};

/// One metric or a list of them. What every program with an option of this type has is compiled once.
class Metrics {
 public:
  UNROLL_API Metrics();
  UNROLL_API Metrics(std::initializer_list<Metric> list);
  UNROLL_API Metrics(const Metrics& other);
  UNROLL_API Metrics(Metrics&& other) noexcept;
  UNROLL_API Metrics& operator=(const Metrics& other);
  UNROLL_API Metrics& operator=(Metrics&& other) noexcept;
  UNROLL_API ~Metrics();
  template <class C> requires std::constructible_from<Metric, C>
  Metrics(C one) : Metrics() {  // NOLINT: implicit
    push_back(Metric(std::move(one)));
  }
  UNROLL_API void push_back(Metric metric);

  bool empty() const { return metrics_.empty(); }
  auto begin() const { return metrics_.begin(); }
  auto end() const { return metrics_.end(); }
  auto begin() { return metrics_.begin(); }
  auto end() { return metrics_.end(); }

 private:
  std::vector<Metric> metrics_;
};

#define UNROLL_METRIC_INSTANCES(DECLARE, T) DECLARE void decide(const Matrix<T>&, std::vector<Index>&);
#if !UNROLL_HEADER_ONLY
UNROLL_METRIC_INSTANCES(extern template, float)
UNROLL_METRIC_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/metric/metric.ipp>
#endif
