// A cell whose units keep their past now and then.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/cell/cell_steps.hpp>
#include <unroll/cell/pointwise.hpp>
#include <unroll/cell/stagewise.hpp>
#include <unroll/core/joined.hpp>
#include <unroll/kernel/elementwise.hpp>

namespace unroll::inline UNROLL_ABI {

/// With which probability a unit keeps its past: of h, and of c and what other states there are, which keep it
/// together.
struct ZoneoutRates {
  double h = 0, c = 0;  ///< 0 <= rate < 1
};

UNROLL_KERNEL_BEGIN
namespace detail {

/// The adapter of equations of which it is known that no product reads a state after its step.
template <class E> struct ZonedOut {};
template <PointwiseCell E> struct ZonedOut<E> {
  using type = Pointwise<E>;
};
template <InStages E> requires(!Stagewise<E>::multiplies_next)
struct ZonedOut<E> {
  using type = Stagewise<E>;
};

/// Where 0 was drawn the past stays.
struct KeepPast {
  template <class V> UNROLL_INLINE void operator()(const V& drawn, const V& prev, V& next) const {
    next = select(drawn == V(0), prev, next);
  }
};
template <class T> struct MixPast {
  T rate;
  template <class V> UNROLL_INLINE void operator()(const V& prev, V& next) const {
    next = V(rate) * prev + V(1 - rate) * next;
  }
};
/// Backward of these: d is left for the candidate, `past` goes around it.
struct KeepPastBackward {
  template <class V> UNROLL_INLINE void operator()(const V& drawn, V& past, V& d) const {
    past = select(drawn == V(0), d, V(0));
    d = d - past;
  }
};
template <class T> struct MixPastBackward {
  T rate;
  template <class V> UNROLL_INLINE void operator()(V& past, V& d) const {
    past = V(rate) * d;
    d = V(1 - rate) * d;
  }
};

}  // namespace detail
UNROLL_KERNEL_END

/// Zoneout (Krueger et al. 2017) of the states s of a PointwiseCell or StagedCell:
///   s_t = m_t * s_{t-1} + (1 - m_t) * cell(x_t, h_{t-1}, ..)
/// In training m is 1 with the rate's probability, else 0, drawn for every unit of every step; else it is the rate
/// itself, the mean. h_t is made of the cell's own c_t, as in the paper.
///   Recurrent layer{Zoneout{Lstm{D, H}, {.h = 0.05, .c = 0.5}}};
/// Parameters and their names are the cell's. Rates are no parameters: files have none, and such a layer is no kind of
/// theirs and does not stream. Masks are a function of seed, step, layer, sequence, time and unit (see DropoutMask).
/// Costs the states of all steps once more, and in training as much for what was drawn.
template <class E> requires requires { typename detail::ZonedOut<E>::type; }
class Zoneout : public detail::ZonedOut<E>::type {
  using Base = typename detail::ZonedOut<E>::type;
  static constexpr std::string_view before = "Zoneout<", cell_name = E::name, after = ">";
  static constexpr std::size_t masks = E::S > 1 ? 2 : 1;

 public:
  using Scalar = typename E::Scalar;
  using T = Scalar;
  using Equations = void;  ///< not those of E: a stream of E computes something else
  static constexpr int S = E::S;
  static constexpr std::string_view name = detail::Joined<before, cell_name, after>::value;

  ZoneoutRates rates;

  struct Cache : Base::Cache {
    std::array<Matrix<T>, masks> drawn;  ///< (rows, N) of h, and of all other states; 0: the past stays
    PerState<Matrix<T>, S> aside;        ///< (rows, N) what the cell gave
    PerState<Matrix<T>, S> d_past;       ///< (rows, B)
    std::vector<DropoutMask> mask_of;    ///< of h, and of all other states
    std::vector<Index> rows;             ///< of the sequences, in the user's order
    bool training = false, begun = false;
  };

  Zoneout(const E& of, ZoneoutRates with) : Base(of), rates(with) { check_rates(); }

  static void visit_columns(auto&& f, Cache& cache) {
    Base::visit_columns(f, cache);
    for (Matrix<T>& m : cache.drawn) f(m);
    for (Matrix<T>& m : cache.aside) f(m);
  }
  void check_parameters() const {
    Base::check_parameters();
    check_rates();
  }
  Columns forget_rows() const {
    if constexpr (requires { E::forget_gate; })
      return {E::forget_gate * this->units(), this->units()};
    else
      return {0, 0};
  }
  std::string describe_options() const {
    std::string text = concat_text(", zoneout ", rates.h);
    if (S > 1) text += concat_text(" of h, ", rates.c, " of c");
    return text;
  }

  void begin(Cache& cache, const Context& context, const Packing& p) const {
    constexpr std::size_t first_number = 300;  // the dropouts of the layer have those before
    cache.begun = true;
    cache.training = context.training;
    cache.mask_of.clear();
    for (std::size_t k = 0; k < masks; ++k) cache.mask_of.emplace_back(context, first_number + k, rate(k));
    cache.rows.resize(static_cast<std::size_t>(p.batch()));
    for (Index j = 0; j < p.batch(); ++j) cache.rows[static_cast<std::size_t>(j)] = p.row(j);
  }
  void prepare(Cache& cache, Index columns, bool keep) const {
    require(cache.begun, name, ": runs in a Recurrent, not as a part of another cell");
    cache.begun = false;
    steps().prepare(base(), inner(cache), columns, keep, cache.same_weights);
    for (std::size_t k = 0; k < masks; ++k) cache.drawn[k].resize(cache.training ? rows(k) : 0, columns);
    for (std::size_t s = 0; s < S; ++s) {
      cache.aside[s].resize(keep ? rows(s) : 0, columns);
      cache.d_past[s].resize(keep ? rows(s) : 0, static_cast<Index>(cache.rows.size()));
    }
  }

  void step(Pass<T, S>& pass, Cache& cache, const Step& at, StepScratch<T>& scratch) const {
    steps().step(base(), pass, inner(cache), at, scratch);
    for (std::size_t s = 0; s < S; ++s) {
      if (rate(s) == 0) continue;
      const Index n = rows(s) * at.n;
      const T* const prev = pass.states[s].col(at.in).data();
      T* const next = pass.states[s].col(at.out).data();
      if (pass.keep) std::copy_n(next, n, cache.aside[s].col(at.at).data());
      if (!cache.training) {
        for_each_element(n, detail::MixPast<T>{static_cast<T>(rate(s))}, prev, next);
        continue;
      }
      if (s < masks) draw(cache, s, at);
      for_each_element(n, detail::KeepPast{}, drawn(cache, s, at), prev, next);
    }
  }
  /// The cell's own backward sees the states that it gave; those that were kept are put aside for so long.
  void step_backward(Pass<T, S>& pass, Cache& cache, const Step& at, StateFields<T, S> d,
                     StepScratch<T>& scratch) const {
    exchange(pass, cache, at);
    for (std::size_t s = 0; s < S; ++s) {
      if (rate(s) == 0) continue;
      const Index n = rows(s) * at.n;
      T* const past = cache.d_past[s].col(at.column).data();
      T* const of_next = d[s].col(at.column).data();
      if (cache.training)
        for_each_element(n, detail::KeepPastBackward{}, drawn(cache, s, at), past, of_next);
      else
        for_each_element(n, detail::MixPastBackward<T>{static_cast<T>(rate(s))}, past, of_next);
    }
    steps().step_backward(base(), pass, inner(cache), at, d, scratch);
    for (std::size_t s = 0; s < S; ++s)
      if (rate(s) > 0) add(rows(s) * at.n, cache.d_past[s].col(at.column).data(), d[s].col(at.column).data());
    exchange(pass, cache, at);
  }
  void accumulate(Pass<T, S>& pass, Cache& cache, Zoneout& gradient, const Columns& columns) const {
    steps().accumulate(base(), pass, inner(cache), static_cast<Base*>(&gradient), columns);
  }

 private:
  static const CellSteps<T, S>& steps() { return cell_steps<Base, T, S>(); }
  static void* inner(Cache& cache) { return static_cast<typename Base::Cache*>(&cache); }
  const void* base() const { return static_cast<const Base*>(this); }
  double rate(std::size_t s) const { return s == 0 ? rates.h : rates.c; }
  /// Where there is a rate.
  Index rows(std::size_t s) const { return rate(s) > 0 ? this->state_rows(static_cast<int>(s)) : 0; }

  void check_rates() const {
    detail::require_fraction(name, "rate of h", rates.h);
    detail::require_fraction(name, "rate of c", rates.c);
    require(S > 1 || rates.c == 0, name, ": rate of c is ", rates.c, ", and this cell's state is h alone");
  }
  static const T* drawn(const Cache& cache, std::size_t s, const Step& at) {
    return cache.drawn[(std::min)(s, masks - 1)].col(at.at).data();
  }
  void draw(Cache& cache, std::size_t k, const Step& at) const {
    for (Index j = 0; j < at.n; ++j)
      cache.mask_of[k].draw(cache.rows[static_cast<std::size_t>(at.column + j)], at.time, rows(k),
                            cache.drawn[k].col(at.at + j).data());
  }
  void exchange(Pass<T, S>& pass, Cache& cache, const Step& at) const {
    for (std::size_t s = 0; s < S; ++s)
      if (T* const next = pass.states[s].col(at.out).data(); rate(s) > 0)
        std::swap_ranges(next, next + rows(s) * at.n, cache.aside[s].col(at.at).data());
  }
};

}  // namespace unroll::inline UNROLL_ABI
