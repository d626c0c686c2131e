#include <unroll/metric/confusion_matrix.ipp>
#include <unroll/metric/ranking.ipp>
#include <unroll/metric/regression.ipp>
#include <unroll/metric/spans.ipp>
