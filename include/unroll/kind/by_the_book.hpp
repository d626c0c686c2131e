// What kinds compute with in double, without haste: the judge of streams and of what a file says about itself.
#pragma once

#include <unroll/kind/layer_data.hpp>

namespace unroll::inline UNROLL_ABI {

/// How many of what a recurrent cell has: gates fed by the input and by the state, state fields, parameters per unit;
/// and whether its output is a projection of its units.
struct CellCounts {
  int GX, GU, S, P;
  bool projects = false;
};

/// One step of a recurrent layer: everything that its cell's equations see. Vectors per gate or field, H after H.
struct ReferenceStep {
  Index units, outputs;
  const Matrix<double>&weight_hh, &weight_hr;
  const double* bias_hh;  ///< (GU H), zeros where absent
  const double* unit;     ///< (P H)
  const double* x;        ///< W x + b, (GX H)
  double* u;              ///< room for (GU H)
  double* state;          ///< (outputs + (S - 1) H): before the step, then after it

  /// u of gates first .. first + n = U v + b_h.
  UNROLL_API void multiply(Index first, Index n, const double* v) const;
  /// to = W_r v, (outputs).
  UNROLL_API void project(const double* v, double* to) const;

  Index field_rows(Index f) const { return f == 0 ? outputs : units; }
  double* field(Index f) const { return state + (f == 0 ? 0 : outputs + (f - 1) * units); }
};

namespace detail {
/// Runs over the steps, from the end with `reverse`; all of h, or the last with `final_state`.
UNROLL_API Matrix<double> run_recurrent(const LayerData& layer, const Matrix<double>& x, CellCounts counts,
                                        void (*step)(const ReferenceStep&));
/// W x + b of every column; b may be absent.
UNROLL_API Matrix<double> affine(const Matrix<float>& weight, const Matrix<float>& bias, const Matrix<double>& x);

}  // namespace detail

/// Names of the state fields that a sequence starts from, as parameters.
inline constexpr std::string_view initial_names[] = {"initial_h", "initial_c", "initial_n", "initial_m"};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/kind/by_the_book.ipp>
#endif
