#include <unroll/cell/mogrifier_lstm.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Stagewise, MogrifierLstm)
}  // namespace unroll::inline UNROLL_ABI
