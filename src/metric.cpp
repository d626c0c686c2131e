#include <unroll/metric/anomaly_score.ipp>
#include <unroll/metric/bleu.ipp>
#include <unroll/metric/confusion_matrix.ipp>
#include <unroll/metric/forecast.ipp>
#include <unroll/metric/metric.ipp>
#include <unroll/metric/ranking.ipp>
#include <unroll/metric/regression.ipp>
#include <unroll/metric/spans.ipp>

namespace unroll::inline UNROLL_ABI {

UNROLL_METRIC_INSTANCES(template, float)
UNROLL_METRIC_INSTANCES(template, double)

}  // namespace unroll::inline UNROLL_ABI
