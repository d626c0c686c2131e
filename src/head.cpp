#include <unroll/head/crf.hpp>
#include <unroll/head/ctc.hpp>
#include <unroll/head/ctc_beam_search.ipp>
#include <unroll/head/softmax_classifier.hpp>
#include <unroll/head/tag_scheme.ipp>

namespace unroll::inline UNROLL_ABI {

UNROLL_CRF_INSTANCES(template, float)
UNROLL_CRF_INSTANCES(template, double)
UNROLL_CTC_INSTANCES(template, float)
UNROLL_CTC_INSTANCES(template, double)
UNROLL_SOFTMAX_CLASSIFIER_INSTANCES(template, float)
UNROLL_SOFTMAX_CLASSIFIER_INSTANCES(template, double)

}  // namespace unroll::inline UNROLL_ABI
