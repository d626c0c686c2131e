// What one time step of a cell in stages reads and writes, and its recurrent weights in the order in which steps read
// them.
#pragma once

#include <algorithm>
#include <array>

#include <unroll/cell/derived/values.hpp>
#include <unroll/cell/stages/planner.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/kernel/functions.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/kernel/product.hpp>
#include <unroll/kernel/step_block.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

/// The rows of some gates of a matrix (G rows, depth): forward as [block of 16 units][gate][k][16], back as the
/// transpose's panels.
template <class T> class StagedWeights {
 public:
  /// Gates of `rows` units each, from row `first` of the matrix on.
  void pack(const Matrix<T>& U, Index first, Index rows, Index gates, bool for_backward) {
    depth_ = U.cols(), rows_ = gates * rows, gates_ = gates;
    const Index blocks = (rows + unit_block - 1) / unit_block;
    forward_.resize(unit_block * gates * blocks, depth_);
    T* to = forward_.data();
    for (Index block = 0; block < blocks; ++block)
      for (Index g = 0; g < gates; ++g, to += unit_block * depth_)
        pack_rows(view(U), Transpose::no, first + g * rows + block * unit_block,
                  (std::min)(unit_block, rows - block * unit_block), 0, depth_, to);
    backward_.resize(for_backward ? round_up(depth_, unit_block) : 0, rows_);
    if (for_backward)
      pack_rows(view(U).middle_rows(first, rows_), Transpose::yes, 0, depth_, 0, rows_, backward_.data());
  }
  Index depth() const { return depth_; }
  Index rows() const { return rows_; }
  Index gates() const { return gates_; }
  /// Panels of 16 rows: number block * gates + gate; and those of the transpose.
  LeftPanels<T> forward(Index panel) const {
    return {forward_.data() + panel * unit_block * depth_, unit_block * depth_, unit_block};
  }
  LeftPanels<T> backward(Index panel) const {
    return {backward_.data() + panel * unit_block * rows_, unit_block * rows_, unit_block};
  }

 private:
  Matrix<T> forward_, backward_;
  Index depth_ = 0, rows_ = 0, gates_ = 0;
};

/// An array of columns: column j at data + j * stride.
template <class T> struct ColumnsOf {
  T* data = nullptr;
  Index stride = 0;
  UNROLL_INLINE operator ColumnsOf<const T>() const { return {data, stride}; }
  UNROLL_INLINE T* at(Index j) const { return data + j * stride; }
};

/// One step of n columns, forward or backward; gates, slots and parameters are stacked, H rows each.
template <class E, class T = typename E::Scalar> struct StagedStep {
  Index units, outputs, columns;
  const StagedWeights<T>* weights;  ///< of each group of products
  const T* bias;                    ///< b_h (GU H), zeros where there is none
  const T* parameters;              ///< (P H)
  T* x;                             ///< W x + b (GX H, n), becomes dx
  std::array<const T*, static_cast<std::size_t>(E::S)> prev;
  std::array<T*, static_cast<std::size_t>(E::S)> next;
  T* values;      ///< the slots (slots H, n)
  T* statistics;  ///< mean and 1 / deviation of each norm (2 norms, n)
  std::array<const T*, static_cast<std::size_t>(E::GU + 1)> mask{};  ///< recurrent dropout of each gate's vector
  bool mask_per_gate = false;
  T* masked = nullptr;  ///< room for masked vectors, (rows, n) each
  bool keep = true;     ///< a backward may follow
  // backward
  std::array<T*, static_cast<std::size_t>(E::S)> d{};  ///< d_next on entry, d_prev on return
  T* du = nullptr;                                     ///< (GU H, n); that of a projection (outputs, n) behind it
  T* d_projection = nullptr;
  T* parameters_d = nullptr;  ///< (P H, n), summed over the steps
  T* d_values = nullptr;      ///< (d_slots H, n)
};

/// Where the values of a step are, and what an operation gives. Functions and no lambdas, which would not have the
/// instructions of a level.
template <class E> struct StagedOperations {
  using T = typename E::Scalar;
  using Step = StagedStep<E, T>;
  using S = Stages<E>;
  static constexpr const auto& plan = S::plan;
  template <class V> using Values = ValuesOf<V, typename S::All>;
  template <int n> using Upto = std::make_index_sequence<static_cast<std::size_t>(n)>;

  static constexpr bool is_parameter(std::size_t k) { return k < S::x_at; }
  static constexpr bool is_x(std::size_t k) { return k >= S::x_at && k < S::prev_at; }
  static constexpr bool is_prev(std::size_t k) { return k >= S::prev_at && k < S::inputs; }
  static constexpr bool is_product(std::size_t k) { return S::operation(k).op == Op::product; }
  static constexpr bool is_projection(std::size_t k) { return is_product(k) && S::operation(k).which == E::GU; }
  static constexpr bool is_norm(std::size_t k) { return S::operation(k).op == Op::normalize; }
  static constexpr ProductGroup group(int g) { return plan.groups[static_cast<std::size_t>(g)]; }
  static constexpr NormGroup norm(int n) { return plan.norms[static_cast<std::size_t>(n)]; }
  /// The operation that is a gate's product, or of gate GU the projection.
  static constexpr std::size_t product_of(int gate) {
    std::size_t k = 0;
    while (!(plan.used[k] && is_product(k) && S::operation(k).which == gate)) ++k;
    return k;
  }
  /// The products that gate's is among.
  static constexpr int group_of(int gate) {
    for (int g = 0; g < plan.group_count; ++g)
      if (group(g).first <= gate && gate < group(g).first + group(g).gates) return g;
    return -1;
  }
  /// Whether a pass of forward begins with the products of this group, and whether it has more than a projection.
  static constexpr bool is_in(int g, int pass) { return group(g).pass == pass && !group(g).projects; }
  static constexpr bool has_equations(int pass) {
    for (std::size_t k = 0; k < S::N; ++k)
      if (plan.pass[k] == pass && !is_projection(k)) return true;
    return false;
  }
  static constexpr int norm_with(std::size_t k) {
    for (int n = 0; n < plan.norm_count; ++n)
      for (int m = 0; m < norm(n).count; ++m)
        if (norm(n).members[static_cast<std::size_t>(m)] == k) return n;
    return -1;
  }
  // What is asked of the plan where kernels run is a constant, so that nobody looks it up there.
  /// The norm that operation k is of.
  template <std::size_t k> static constexpr int norm_of = norm_with(k);
  /// Whether an operation of a pass has value k among its operands, one by one.
  static constexpr bool is_read_in(std::size_t k, int pass, bool of_live = false) {
    for (std::size_t by = 0; by < S::N; ++by) {
      if (plan.pass[by] != pass || is_product(by) || (of_live && (!plan.live[by] || is_norm(by)))) continue;
      for (const int of : S::operation(by).of)
        if (of >= 0 && static_cast<std::size_t>(of) == k) return true;
    }
    return false;
  }

  /// Where value k is that is no parameter.
  template <std::size_t k, bool backward = false> static UNROLL_INLINE ColumnsOf<const T> source(const Step& s) {
    if constexpr (plan.output[k] >= 0)
      return {s.next[static_cast<std::size_t>(plan.output[k])], plan.output[k] == 0 ? s.outputs : s.units};
    else if constexpr (is_prev(k))
      return {s.prev[k - S::prev_at], k == S::prev_at ? s.outputs : s.units};
    else if constexpr (is_x(k) && !(backward && plan.saved[k]))
      return {s.x + static_cast<Index>(k - S::x_at) * s.units, E::GX * s.units};
    else
      return {s.values + plan.slot[k] * s.units, plan.slot_count * s.units};
  }
  /// The members of norm n in column j.
  template <int n, bool backward, std::size_t... M>
  static UNROLL_INLINE auto sources(const Step& s, Index j, std::index_sequence<M...>) {
    return std::array<const T*, sizeof...(M)>{source<norm(n).sources[M], backward>(s).at(j)...};
  }
  /// Where the gradient of value k is added up.
  template <std::size_t k> static UNROLL_INLINE ColumnsOf<T> gradient(const Step& s) {
    const Index H = s.units;
    if constexpr (plan.d_slot[k] >= 0)
      return {s.d_values + plan.d_slot[k] * H, plan.d_slots * H};
    else if constexpr (is_parameter(k))
      return {s.parameters_d + static_cast<Index>(k) * H, E::P * H};
    else if constexpr (is_x(k))
      return {s.x + static_cast<Index>(k - S::x_at) * H, E::GX * H};
    else if constexpr (is_prev(k))
      return {s.d[k - S::prev_at], k == S::prev_at ? s.outputs : H};
    else if constexpr (is_projection(k))
      return {s.d_projection, s.outputs};
    else if constexpr (plan.same_ports)
      return {s.x + S::operation(k).which * H, E::GX * H};
    else if constexpr (plan.du_in_slots)
      return {s.values + plan.slot[k] * H, plan.slot_count * H};
    else
      return {s.du + S::operation(k).which * H, E::GU * H};
  }

  /// A vector of one number is whole in any block.
  template <class Isa> static constexpr bool is_number = Isa::template Vector<T>::width == 1;
  template <bool whole, class V> static UNROLL_INLINE V load(const T* from, Index present) {
    if constexpr (whole)
      return V::load(from);
    else
      return V::load(from, present);
  }
  template <bool whole, class V> static UNROLL_INLINE void store(const V& value, T* to, Index present) {
    if constexpr (whole)
      value.store(to);
    else
      value.store(to, present);
  }
  /// A value that is in memory, of column j and the units from `unit` on.
  template <std::size_t k, bool whole, bool backward, class V>
  static UNROLL_INLINE V fetch(const Step& s, Index j, Index unit, Index present) {
    if constexpr (S::operation(k).op == Op::number)
      return V(S::operation(k).number);
    else if constexpr (is_parameter(k))
      return load<whole, V>(s.parameters + static_cast<Index>(k) * s.units + unit, present);
    else
      return load<whole, V>(source<k, backward>(s).at(j) + unit, present);
  }
  /// Operation k of operands that are known, which is no product.
  template <std::size_t k, class V> static UNROLL_INLINE V evaluate(const Values<V>& values, const T* statistics) {
    constexpr Operation o = S::operation(k);
    if constexpr (o.op == Op::number)
      return V(o.number);
    else if constexpr (o.op == Op::normalize)
      return (operand<o.of[0]>(values) - V::fill(statistics + 2 * norm_of<k>)) *
             V::fill(statistics + 2 * norm_of<k> + 1);
    else
      return result_of<o.op>(operand<o.of[0]>(values), operand<o.of[1]>(values), operand<o.of[2]>(values));
  }
  template <int K, class V> static UNROLL_INLINE V operand(const Values<V>& values) {
    if constexpr (K < 0)
      return V();
    else
      return value_at<static_cast<std::size_t>(K)>(values);
  }
};

/// Sums over units: 16 of them side by side whatever the width of a vector, so that the order is that of the units at
/// every level.
template <class V> struct UnitSums {
  using T = typename V::Scalar;
  static constexpr int vectors = static_cast<int>(unit_block) / V::width;
  V sums[vectors];
  UNROLL_INLINE void clear() {
    UNROLL_UNROLL
    for (int v = 0; v < vectors; ++v) sums[v] = V();
  }
  UNROLL_INLINE T total() const {
    T lanes[unit_block];
    UNROLL_UNROLL
    for (int v = 0; v < vectors; ++v) sums[v].store(lanes + v * V::width);
    T sum = lanes[0];
    for (Index lane = 1; lane < unit_block; ++lane) sum += lanes[lane];
    return sum;
  }
};
/// The first n lanes, the others 0.
template <class V> UNROLL_INLINE V first_lanes(const V& value, Index n) {
  if (n >= V::width) return value;
  typename V::Scalar lanes[V::width];
  value.store(lanes);
  return V::load(lanes, n);
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
