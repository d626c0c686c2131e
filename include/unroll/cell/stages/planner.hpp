// What backward of a cell in stages does, and so what forward keeps for it.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <unroll/cell/derived/rules.hpp>
#include <unroll/cell/stages/passes.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

template <std::size_t N, class E> class StagePlanner : StagePasses<N, E> {
  using Passes = StagePasses<N, E>;
  using Passes::is_prev, Passes::is_projection, Passes::is_x, Passes::op, Passes::operations_, Passes::plan_;
  using Passes::prev_at, Passes::stages_, Passes::x_at;

 public:
  constexpr explicit StagePlanner(const TracedStages<E>& stages) : Passes(stages) {}
  constexpr StagePlan<N> make() {
    Passes::find();
    find_live();
    find_kept();
    find_times();
    find_places();
    check();
    return plan_;
  }

 private:
  constexpr void find_live() {
    std::array<bool, N> varies{};
    for (std::size_t k = 0; k < N; ++k) {
      varies[k] = op(k) == Op::input;
      if (!is_comparison(op(k))) for_operands(operations_[k], [&](auto, std::size_t of) { varies[k] |= varies[of]; });
      // What varies in one of a norm moves the mean of all.
      this->for_members(k, [&](std::size_t member) { varies[k] |= varies[this->source_of(member)]; });
    }
    std::array<bool, N> matters{};
    for (const std::size_t k : stages_.next) matters[k] = true;
    for (std::size_t k = N; k-- > 0;) {
      this->for_members(k, [&](std::size_t member) { matters[k] |= matters[member]; });
      plan_.live[k] = plan_.used[k] && varies[k] && matters[k];
      if (plan_.live[k]) for_operands(operations_[k], [&](auto, std::size_t of) { matters[of] = true; });
    }
  }

  /// The ports of a gate are the same where x[g] and its product occur only as their sum.
  constexpr void find_same_ports() {
    plan_.same_ports = E::GX == E::GU;
    std::array<int, N> uses{};
    this->for_uses([&](auto, auto, std::size_t of) { ++uses[of]; });
    this->for_uses([&](std::size_t k, auto, std::size_t of) {
      const bool is_port = is_x(of) || op(of) == Op::product;
      if (!is_port) return;
      const auto& pair = operations_[k].of;
      const auto gate = [&](int at) {
        const auto place = static_cast<std::size_t>(at);
        return is_x(place) ? static_cast<int>(place - x_at) : operations_[place].which;
      };
      const auto is_port_at = [&](int at) {
        const auto place = static_cast<std::size_t>(at);
        return is_x(place) || op(place) == Op::product;
      };
      plan_.same_ports &= op(k) == Op::add && is_port_at(pair[0]) && is_port_at(pair[1]) && pair[0] != pair[1] &&
                          gate(pair[0]) == gate(pair[1]) && plan_.pass[k] == plan_.pass[product_of(pair)];
      plan_.same_ports &= uses[of] == 1;
    });
  }
  constexpr std::size_t product_of(const std::array<int, 3>& pair) const {
    const auto first = static_cast<std::size_t>(pair[0]);
    return op(first) == Op::product ? first : static_cast<std::size_t>(pair[1]);
  }

  constexpr void find_kept() {
    find_same_ports();
    // What backward reads: of a norm what is normalized.
    std::array<bool, N> read{};
    for (std::size_t k = 0; k < N; ++k)
      if (plan_.live[k])
        for_reads(
            operations_[k], k, [&](std::size_t of) { return plan_.live[of]; },
            [&](std::size_t at) { read[at] = true; });
    // What must be in memory, whole: a product's vector until its matrix has its gradient.
    std::array<bool, N> known{}, is_operand{};
    this->for_uses([&](std::size_t k, auto, std::size_t of) {
      is_operand[of] |= op(k) == Op::product && !is_given(op(of)) && plan_.output[of] < 0;
      plan_.crosses[of] |= !is_given(op(of)) && (spans_units(op(k)) || plan_.pass[k] > plan_.pass[of]);
    });
    for (std::size_t k = 0; k < N; ++k) {
      if (!plan_.used[k]) continue;
      known[k] = plan_.output[k] >= 0 || op(k) == Op::number || (op(k) == Op::input && (!is_x(k) || stays(k)));
      if (!known[k] && (is_cheap(op(k)) || op(k) == Op::normalize) && !is_operand[k]) {
        plan_.again[k] = true;
        for_operands(operations_[k], [&](auto, std::size_t of) { plan_.again[k] &= known[of]; });
        known[k] = plan_.again[k];
      }
      plan_.saved[k] = is_operand[k] || (read[k] && !known[k]);
      known[k] |= plan_.saved[k];
    }
    for (const bool products : {true, false})
      for (std::size_t k = 0; k < N; ++k)
        if ((op(k) == Op::product) == products && (plan_.saved[k] || (plan_.crosses[k] && plan_.output[k] < 0)))
          plan_.slot[k] = plan_.slot_count++;
  }
  /// Whether x[g] is still there when backward wants it: until the gradient of its norm takes its place.
  constexpr bool stays(std::size_t x) const {
    bool normed = false, early = false;
    for (int n = 0; n < plan_.norm_count; ++n) {
      const NormGroup& norm = plan_.norms[static_cast<std::size_t>(n)];
      for (int m = 0; m < norm.count; ++m) {
        if (norm.sources[static_cast<std::size_t>(m)] != x) continue;
        early |= normed;  // by two norms
        normed = true;
        this->for_uses([&](std::size_t k, auto, std::size_t of) { early |= of == x && plan_.pass[k] < norm.pass; });
      }
    }
    return normed && !early;
  }

  constexpr void contribute(std::size_t to, int time) {
    if (time < plan_.first[to]) plan_.first[to] = time;
  }
  constexpr void find_times() {
    std::array<bool, N> pointwise{}, from_memory{};
    this->for_uses([&](std::size_t k, auto, std::size_t of) {
      if (!plan_.live[k] || !plan_.live[of] || spans_units(op(k)) || plan_.pass[k] == plan_.pass[of]) return;
      contribute(of, plan_.time(plan_.pass[k]));
      pointwise[of] = true;
      from_memory[of] |= !is_given(op(of));
    });
    std::array<bool, N> normed{};
    for (int n = 0; n < plan_.norm_count; ++n) {
      const NormGroup& norm = plan_.norms[static_cast<std::size_t>(n)];
      for (int m = 0; m < norm.count; ++m) {
        const std::size_t source = norm.sources[static_cast<std::size_t>(m)];
        contribute(source, plan_.norm_time(n));
        plan_.is_sound &= !(normed[source] && is_x(source));
        normed[source] = true;
        from_memory[source] |= !is_given(op(source));
        from_memory[norm.members[static_cast<std::size_t>(m)]] = true;
      }
    }
    for (int g = 0; g < plan_.group_count; ++g) {
      const std::size_t operand = plan_.groups[static_cast<std::size_t>(g)].operand;
      contribute(operand, plan_.product_time(g));
      from_memory[operand] |= !is_given(op(operand));
    }
    for (std::size_t k = 0; k < N; ++k) {
      if (!plan_.live[k]) continue;
      const bool x_twice = is_x(k) && normed[k] && pointwise[k];
      const bool before_next = is_prev(k) && [&] {
        const std::size_t next = stages_.next[k - prev_at];
        return plan_.first[k] < (is_projection(next) ? 0 : plan_.time(plan_.pass[next]));
      }();
      if (k >= x_at && (x_twice || before_next || (from_memory[k] && op(k) != Op::product)))
        plan_.d_slot[k] = plan_.d_slots++;
    }
  }
  /// Where products are kept for their norms alone, and in the order of the gates.
  constexpr void find_places() {
    plan_.du_in_slots = !plan_.same_ports;
    this->for_uses([&](std::size_t k, auto, std::size_t of) {
      if (op(of) == Op::product) plan_.du_in_slots &= op(k) == Op::normalize;
    });
    for (std::size_t k = 0; k < N; ++k)
      if (plan_.used[k] && op(k) == Op::product && !is_projection(k))
        plan_.du_in_slots &= plan_.saved[k] && plan_.slot[k] == operations_[k].which;
  }
  constexpr void check() {
    for (std::size_t k = 0; k < N; ++k) plan_.is_sound &= !(plan_.used[k] && is_projection(k)) || plan_.output[k] == 0;
    if (!E::projects) return;
    this->for_uses([&](std::size_t k, auto, std::size_t of) {
      plan_.is_sound &= !is_projection(of) && (of == prev_at) == (op(k) == Op::product && !is_projection(k));
    });
  }
};

/// What runs a cell in stages knows of its equations.
template <class E> struct Stages {
  static constexpr bool is_readable = requires { typename std::bool_constant<(read_stages<E, true>(), true)>; };
  static constexpr auto traced = read_stages<E, is_readable>();
  static constexpr std::size_t N = traced.trace.size;
  static constexpr StagePlan<N> plan = StagePlanner<N, E>(traced).make();
  static constexpr std::size_t x_at = traced.x_at, prev_at = traced.prev_at, inputs = traced.inputs;
  static constexpr Operation operation(std::size_t k) { return traced.trace.operations[k]; }
  using All = std::make_index_sequence<N>;
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
