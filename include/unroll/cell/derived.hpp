// A cell of which only `forward` is written.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <unroll/cell/derived/operations.hpp>
#include <unroll/cell/derived/plan.hpp>
#include <unroll/cell/derived/rules.hpp>
#include <unroll/cell/derived/values.hpp>
#include <unroll/cell/pointwise_cell.hpp>
#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// The equations of E operation by operation, on values V: in their order, and back.
template <class E, bool readable> class DerivedEquations {
  static constexpr auto traced = read_forward<E, readable>();
  static constexpr std::size_t N = traced.trace.size;
  static constexpr auto plan = make_plan<N>(traced);
  static constexpr std::size_t P = traced.P, GX = traced.GX, GU = traced.GU, S = traced.S, C = plan.keeps;
  template <std::size_t n> using Upto = std::make_index_sequence<n>;
  using All = Upto<N>;
  template <class V> using Values = ValuesOf<V, All>;

  // where these are among the values
  static constexpr auto p_at = counted<P>(0);
  static constexpr auto x_at = counted<GX>(traced.x_at);
  static constexpr auto u_at = counted<GU>(traced.u_at);
  static constexpr auto prev_at = counted<S>(traced.prev_at);
  static constexpr auto next_at = traced.next;
  static constexpr auto kept_at = [] {
    std::array<std::size_t, C> places{};
    for (std::size_t c = 0; c < C; ++c) places[c] = plan.kept[c];
    return places;
  }();

 public:
  static constexpr bool is_readable = readable;
  static constexpr int keeps = static_cast<int>(C);
  static constexpr bool same_ports = plan.same_ports;

  template <class V>
  static UNROLL_INLINE void forward(const std::array<V, P>& p, const std::array<V, GX>& x, const std::array<V, GU>& u,
                                    const std::array<V, S>& prev, std::array<V, S>& next, std::array<V, C>& cache) {
    Values<V> values;
    put<p_at>(values, p, Upto<P>{}), put<x_at>(values, x, Upto<GX>{}), put<u_at>(values, u, Upto<GU>{}),
        put<prev_at>(values, prev, Upto<S>{});
    evaluate<false>(values, All{});
    get<next_at>(values, next, Upto<S>{}), get<kept_at>(values, cache, Upto<C>{});
  }

  template <class V>
  static UNROLL_INLINE void backward(const std::array<V, P>& p, std::array<V, P>& dp, const std::array<V, S>& prev,
                                     const std::array<V, S>& next, const std::array<V, C>& cache,
                                     const std::array<V, S>& d_next, std::array<V, GX>& dx, std::array<V, GU>& du,
                                     std::array<V, S>& d_prev) {
    Values<V> values, d;  // d is 0
    put<p_at>(values, p, Upto<P>{}), put<prev_at>(values, prev, Upto<S>{}), put<next_at>(values, next, Upto<S>{}),
        put<kept_at>(values, cache, Upto<C>{});
    evaluate<true>(values, All{});
    add<next_at>(d, d_next, Upto<S>{});
    go_back(values, d, All{});
    get<p_at>(d, dp, Upto<P>{}), get<x_at>(d, dx, Upto<GX>{}), get<u_at>(d, du, Upto<GU>{}),
        get<prev_at>(d, d_prev, Upto<S>{});
  }

 private:
  template <const auto& places, class V, std::size_t n, std::size_t... K>
  static UNROLL_INLINE void put(Values<V>& values, const std::array<V, n>& from, std::index_sequence<K...>) {
    (static_cast<void>(value_at<places[K]>(values) = from[K]), ...);
  }
  template <const auto& places, class V, std::size_t n, std::size_t... K>
  static UNROLL_INLINE void add(Values<V>& values, const std::array<V, n>& from, std::index_sequence<K...>) {
    (static_cast<void>(value_at<places[K]>(values) += from[K]), ...);
  }
  template <const auto& places, class V, std::size_t n, std::size_t... K>
  static UNROLL_INLINE void get(const Values<V>& values, std::array<V, n>& to, std::index_sequence<K...>) {
    (static_cast<void>(to[K] = value_at<places[K]>(values)), ...);
  }

  /// An operand; where there is none, something.
  template <int K, class V> static UNROLL_INLINE V value(const Values<V>& values) {
    if constexpr (K < 0)
      return V();
    else
      return value_at<static_cast<std::size_t>(K)>(values);
  }
  template <bool again, class V, std::size_t... K>
  static UNROLL_INLINE void evaluate(Values<V>& values, std::index_sequence<K...>) {
    (evaluate<K, again>(values), ...);
  }
  template <std::size_t K, bool again, class V> static UNROLL_INLINE void evaluate(Values<V>& values) {
    constexpr Operation o = traced.trace.operations[K];
    if constexpr (o.op == Op::number)
      value_at<K>(values) = V(o.number);
    else if constexpr (again ? plan.again[K] : o.op != Op::input)
      value_at<K>(values) = result_of<o.op>(value<o.of[0]>(values), value<o.of[1]>(values), value<o.of[2]>(values));
  }
  template <class V, std::size_t... K>
  static UNROLL_INLINE void go_back(const Values<V>& values, Values<V>& d, std::index_sequence<K...>) {
    (go_back<N - 1 - K>(values, d, Upto<3>{}), ...);
  }
  template <std::size_t K, class V, std::size_t... operand>
  static UNROLL_INLINE void go_back(const Values<V>& values, Values<V>& d, std::index_sequence<operand...>) {
    if constexpr (plan.live[K]) (go_back<K, operand>(values, d), ...);
  }
  template <std::size_t K, std::size_t operand, class V>
  static UNROLL_INLINE void go_back(const Values<V>& values, Values<V>& d) {
    constexpr Operation o = traced.trace.operations[K];
    if constexpr (plan.is_live(o.of[operand]))
      value_at<static_cast<std::size_t>(o.of[operand])>(d) += gradient_of<o.op, operand>(
          value_at<K>(d), value<o.of[0]>(values), value<o.of[1]>(values), value_at<K>(values));
  }
};

}  // namespace detail

/// A PointwiseCell of which only `forward` is written:
///   Recurrent layer{Derived<CoupledLstm<>>{D, H}};
/// E has GX, GU, S, name and the sizes of CellSize, P where there are parameters per unit, and
///   static constexpr void forward(const auto& x, const auto& u, const auto& prev, auto& next)
/// or, where P > 0, forward(p, x, u, prev, next). The compiler runs it once over a value that writes down the
/// operations (arithmetic, comparisons with `select`, and the functions of a Simd), and derives C, the backward by
/// reverse accumulation (Griewank and Walther 2008, chapter 3) and whether the ports are the same, which they are where
/// x[g] and u[g] occur only as x[g] + u[g]. Forward keeps the results of exp, log, tanh and sigmoid that backward
/// reads, and of the other values those which it cannot compute from what it has: the hand-written cells keep the same.
/// Where a function has a kink the gradient is that of the side which `forward` takes. A state that is not assigned is
/// 0.
///
/// It is refused at compile time that `forward` is not constexpr, calls a function that is none of the above or only of
/// numbers, branches on a value, or has more than 512 operations. Weights, files and messages go by the name of E: a
/// model loads the file of a cell of that name whose backward is written by hand.
/// Cost: that of a backward by hand, in time (`benchmarks/derived_cells.cpp`) and in what is kept.
template <class E> struct Derived : E {
  using E::E;
  Derived(const E& equations) : E(equations) {}

  using Steps = detail::DerivedEquations<E, requires {
    requires detail::HasEquations<E, detail::Traced>;
    typename std::bool_constant<(detail::read_forward<E, true>(), true)>;
  }>;
  static_assert(Steps::is_readable,
                "unroll::Derived: the compiler cannot run `forward(x, u, prev, next)`, or `forward(p, x, u, prev, "
                "next)` where P > 0: it and what it calls must be constexpr, and functions are of values, not of "
                "numbers alone.");

  static constexpr int C = Steps::keeps;
  static constexpr std::string_view gate_names{};  // what is kept is what the plan says, not what E would keep
  static constexpr bool same_ports = E::same_ports || Steps::same_ports;
  template <class V> using Unit = std::array<V, static_cast<std::size_t>(E::P)>;
  template <class V> using GatesX = std::array<V, static_cast<std::size_t>(E::GX)>;
  template <class V> using GatesU = std::array<V, static_cast<std::size_t>(E::GU)>;
  template <class V> using State = std::array<V, static_cast<std::size_t>(E::S)>;
  template <class V> using Cached = std::array<V, static_cast<std::size_t>(C)>;

  template <class V>
  UNROLL_INLINE static void forward(const Unit<V>& p, const GatesX<V>& x, const GatesU<V>& u, const State<V>& prev,
                                    State<V>& next, Cached<V>& cache) {
    Steps::forward(p, x, u, prev, next, cache);
  }
  template <class V>
  UNROLL_INLINE static void backward(const Unit<V>& p, Unit<V>& dp, const State<V>& prev, const State<V>& next,
                                     const Cached<V>& cache, const State<V>& d_next, GatesX<V>& dx, GatesU<V>& du,
                                     State<V>& d_prev) {
    Steps::backward(p, dp, prev, next, cache, d_next, dx, du, d_prev);
  }
  // Without parameters per unit.
  template <class V>
  UNROLL_INLINE static void forward(const GatesX<V>& x, const GatesU<V>& u, const State<V>& prev, State<V>& next,
                                    Cached<V>& cache) {
    forward<V>({}, x, u, prev, next, cache);
  }
  template <class V>
  UNROLL_INLINE static void backward(const State<V>& prev, const State<V>& next, const Cached<V>& cache,
                                     const State<V>& d_next, GatesX<V>& dx, GatesU<V>& du, State<V>& d_prev) {
    Unit<V> dp;
    backward<V>({}, dp, prev, next, cache, d_next, dx, du, d_prev);
  }
};

}  // namespace unroll::inline UNROLL_ABI
