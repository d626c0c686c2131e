// Which operations of a cell in stages are done in which pass over the units.
#pragma once

#include <array>
#include <cstddef>

#include <unroll/cell/derived/plan.hpp>
#include <unroll/cell/stages/plan.hpp>
#include <unroll/cell/stages/reading.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// N operations of the cell E, and what is planned of them.
template <std::size_t N, class E> class StagePasses {
 protected:
  using Stages = TracedStages<E>;
  static constexpr std::size_t x_at = Stages::x_at, prev_at = Stages::prev_at, inputs = Stages::inputs;
  const Stages& stages_;
  const std::array<Operation, Trace::most>& operations_;
  StagePlan<N> plan_{};

  constexpr explicit StagePasses(const Stages& stages) : stages_(stages), operations_(stages.trace.operations) {
    plan_.output.fill(-1), plan_.slot.fill(-1), plan_.d_slot.fill(-1), plan_.pass.fill(-1);
    plan_.first.fill(StagePlan<N>::never);
    for (std::size_t f = 0; f < stages.next.size(); ++f) plan_.output[stages.next[f]] = static_cast<int>(f);
  }
  constexpr void find() {
    find_used();
    find_norms();
    find_passes();
    find_products();
  }
  constexpr Op op(std::size_t k) const { return operations_[k].op; }
  constexpr bool is_x(std::size_t k) const { return k >= x_at && k < prev_at; }
  constexpr bool is_prev(std::size_t k) const { return k >= prev_at && k < inputs; }
  constexpr bool is_projection(std::size_t k) const { return op(k) == Op::product && operations_[k].which == E::GU; }
  /// f(k, i, of) for the operands of the operations that are used.
  constexpr void for_uses(const auto& f) const {
    for (std::size_t k = 0; k < N; ++k)
      if (plan_.used[k]) for_operands(operations_[k], [&](std::size_t i, std::size_t of) { f(k, i, of); });
  }

  /// f(place) for the values that are normalized together with k, which are written down in a row.
  constexpr void for_members(std::size_t k, const auto& f) const {
    for (std::size_t other = inputs; op(k) == Op::normalize && other < N; ++other)
      if (op(other) == Op::normalize && operations_[other].which == operations_[k].which) f(other);
  }

  /// What a norm's value is made of, or a product's vector.
  constexpr std::size_t source_of(std::size_t k) const { return static_cast<std::size_t>(operations_[k].of[0]); }

  constexpr void find_used() {
    for (const std::size_t k : stages_.next) plan_.used[k] = true;
    for (std::size_t k = N; k-- > 0;) {
      for_members(k, [&](std::size_t other) { plan_.used[k] |= plan_.used[other]; });  // all of a norm or none
      if (plan_.used[k]) for_operands(operations_[k], [&](auto, std::size_t of) { plan_.used[of] = true; });
    }
  }
  constexpr void find_norms() {
    std::array<int, 16> number_of{};
    number_of.fill(-1);
    for (std::size_t k = 0; k < N; ++k) {
      if (op(k) != Op::normalize || !plan_.used[k]) continue;
      const std::size_t source = source_of(k);
      plan_.is_sound &= source >= x_at && op(source) != Op::number;
      int& number = number_of[static_cast<std::size_t>(operations_[k].which)];
      if (number < 0) number = plan_.norm_count++;
      NormGroup& norm = plan_.norms[static_cast<std::size_t>(number)];
      norm.sources[static_cast<std::size_t>(norm.count)] = source;
      norm.members[static_cast<std::size_t>(norm.count++)] = k;
    }
  }
  /// As late as possible, so that least is kept from pass to pass; but outputs as early as possible, and functions,
  /// whose results are kept anyway.
  constexpr void find_passes() {
    std::array<int, N> earliest{};
    const auto after = [&](std::size_t of) { return is_given(op(of)) ? 0 : earliest[of] + 1; };
    for (std::size_t k = 0; k < N; ++k) {
      if (!plan_.used[k] || is_given(op(k))) continue;
      for_operands(operations_[k], [&](auto, std::size_t of) {
        const int at = spans_units(op(k)) ? after(of) : earliest[of];
        if (at > earliest[k]) earliest[k] = at;
      });
      for_members(k, [&](std::size_t member) {
        const int at = after(source_of(member));
        if (at > earliest[k]) earliest[k] = at;
      });
      if (earliest[k] + 1 > plan_.passes) plan_.passes = earliest[k] + 1;
    }
    for (std::size_t k = 0; k < N; ++k)
      if (plan_.used[k] && !is_given(op(k)))
        plan_.pass[k] = plan_.output[k] >= 0 || is_function(op(k)) ? earliest[k] : plan_.passes - 1;
    for (bool changed = true; changed;) {
      changed = false;
      const auto at_most = [&](std::size_t k, int pass) {
        if (is_given(op(k)) || plan_.pass[k] <= pass) return;
        plan_.pass[k] = pass;
        changed = true;
      };
      for (std::size_t k = N; k-- > 0;) {
        if (!plan_.used[k] || is_given(op(k))) continue;
        for_operands(operations_[k], [&](auto, std::size_t of) { at_most(of, plan_.pass[k] - spans_units(op(k))); });
        for_members(k, [&](std::size_t member) {
          at_most(member, plan_.pass[k]);
          at_most(source_of(member), plan_.pass[k] - 1);
        });
      }
    }
    for (int n = 0; n < plan_.norm_count; ++n) {
      NormGroup& norm = plan_.norms[static_cast<std::size_t>(n)];
      norm.pass = plan_.pass[norm.members[0]];
    }
  }

  constexpr void find_products() {
    for (int gate = 0; gate <= E::GU; ++gate) {
      int count = 0;
      for (std::size_t k = 0; k < N; ++k) {
        if (!plan_.used[k] || op(k) != Op::product || operations_[k].which != gate) continue;
        ++count;
        const std::size_t operand = source_of(k);
        plan_.is_sound &= !is_x(operand) && operand >= prev_at && op(operand) != Op::number;
        const auto n = static_cast<std::size_t>(plan_.group_count);
        if (n > 0 && gate < E::GU && plan_.groups[n - 1].operand == operand &&
            plan_.groups[n - 1].pass == plan_.pass[k]) {
          ++plan_.groups[n - 1].gates;
        } else {
          plan_.groups[n] = {gate, 1, plan_.pass[k], operand, gate == E::GU};
          ++plan_.group_count;
        }
      }
      plan_.is_sound &= count == (gate < E::GU || E::projects ? 1 : 0);
    }
  }
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
