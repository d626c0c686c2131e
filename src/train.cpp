#include <unroll/train/batch_gradient.ipp>
#include <unroll/train/batch_reader.ipp>
#include <unroll/train/beam_search.ipp>
#include <unroll/train/callback.ipp>
#include <unroll/train/checkpoint.ipp>
#include <unroll/train/csv_log.ipp>
#include <unroll/train/diagnosis.ipp>
#include <unroll/train/dynamic_update.ipp>
#include <unroll/train/early_stopping.ipp>
#include <unroll/train/epoch_windows.ipp>
#include <unroll/train/evaluate.ipp>
#include <unroll/train/evaluation_scores.ipp>
#include <unroll/train/fit_run.ipp>
#include <unroll/train/freeze_until.ipp>
#include <unroll/train/generate.ipp>
#include <unroll/train/history.ipp>
#include <unroll/train/jacobian.ipp>
#include <unroll/train/load_batch.ipp>
#include <unroll/train/model_checkpoint.ipp>
#include <unroll/train/online_learner.ipp>
#include <unroll/train/parameter_norms.ipp>
#include <unroll/train/predict.hpp>
#include <unroll/train/progress.ipp>
#include <unroll/train/rate_callbacks.ipp>
#include <unroll/train/record.ipp>
#include <unroll/train/run_store.ipp>
#include <unroll/train/sampling.ipp>
#include <unroll/train/scheduled_sampling.ipp>
#include <unroll/train/summary.ipp>
#include <unroll/train/train_step.ipp>
#include <unroll/train/translate.ipp>

namespace unroll::inline UNROLL_ABI {

UNROLL_INFER_INSTANCES(template, float)
UNROLL_INFER_INSTANCES(template, double)
UNROLL_PREDICT_INSTANCES(template, float)
UNROLL_PREDICT_INSTANCES(template, double)
UNROLL_RECORD_INSTANCES(template)
namespace detail {
UNROLL_EVALUATION_SCORES_INSTANCES(template, float)
UNROLL_EVALUATION_SCORES_INSTANCES(template, double)
}  // namespace detail
UNROLL_TRAIN_STEP_INSTANCES(template, float)
UNROLL_TRAIN_STEP_INSTANCES(template, double)

}  // namespace unroll::inline UNROLL_ABI
#include <unroll/train/weight_average.ipp>
