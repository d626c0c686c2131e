#include <unroll/loss/binary_cross_entropy.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/gaussian_nll.hpp>
#include <unroll/loss/huber.hpp>
#include <unroll/loss/loss.ipp>
#include <unroll/loss/mean_absolute_error.hpp>
#include <unroll/loss/mean_squared_error.hpp>
#include <unroll/loss/numbers.ipp>
#include <unroll/loss/quantile.hpp>
#include <unroll/loss/student_t_nll.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_BINARY_CROSS_ENTROPY_INSTANCES(template, float)
UNROLL_BINARY_CROSS_ENTROPY_INSTANCES(template, double)
UNROLL_CROSS_ENTROPY_INSTANCES(template, float)
UNROLL_CROSS_ENTROPY_INSTANCES(template, double)
UNROLL_GAUSSIAN_NLL_INSTANCES(template, float)
UNROLL_GAUSSIAN_NLL_INSTANCES(template, double)
UNROLL_HUBER_INSTANCES(template, float)
UNROLL_HUBER_INSTANCES(template, double)
UNROLL_MEAN_ABSOLUTE_ERROR_INSTANCES(template, float)
UNROLL_MEAN_ABSOLUTE_ERROR_INSTANCES(template, double)
UNROLL_MEAN_SQUARED_ERROR_INSTANCES(template, float)
UNROLL_MEAN_SQUARED_ERROR_INSTANCES(template, double)
UNROLL_QUANTILE_INSTANCES(template, float)
UNROLL_QUANTILE_INSTANCES(template, double)
UNROLL_STUDENT_T_NLL_INSTANCES(template, float)
UNROLL_STUDENT_T_NLL_INSTANCES(template, double)

}  // namespace unroll::inline UNROLL_ABI
