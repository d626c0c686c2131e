// Bodies of layer/tape.hpp.
#pragma once

#include <unroll/layer/tape.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION std::ptrdiff_t PartList::add(const PartPlace& at, void* part, TypeId type, const PartKind* kind,
                                             const void* state_in, void* state_out) {
  const std::size_t k = next_++;
  if (of_gradient_) {
    if (k >= entries_.size())
      fail("Composite: the gradient has more parts than the model; make it by zeros_like(model)");
    PartEntry& entry = entries_[k];
    entry.gradient = part;
    entry.trainable = kind != nullptr && kind->trainable(entry.self);
    entry.d_end = state_in;
    entry.d_start = state_out;
    entry.has_d_start = false;
  } else {
    PartEntry& entry = entries_.emplace_back(at, part, type, kind);
    entry.start = state_in;
    entry.end = state_out;
  }
  return static_cast<std::ptrdiff_t>(k);
}
}  // namespace detail

UNROLL_FUNCTION std::size_t Tape::Kept::first_unread() const {
  std::size_t k = 0;
  while (k < calls.size() && calls[k]->is_read()) ++k;
  return k;
}
UNROLL_FUNCTION void Tape::forget() {
  parts.clear();
  for (const Kept& kept : kept_)
    for (const auto& call : kept.calls) call->forget();
}
UNROLL_FUNCTION std::size_t Tape::size() const {
  std::size_t all = 0;
  for (const Kept& kept : kept_) all += kept.calls.size();
  return all;
}
UNROLL_FUNCTION void Tape::start(const Context& context) {
  if (!keeps_) forget();
  context_ = context;
  drawing_functions_ = 0;
  keeps_ = context.gradients;
  goes_on_ = false;
  parts.clear();
  calls_.clear();
  for (Kept& kept : kept_) kept.used = 0;
}

// Batches make the same calls in the same order, so both searches begin behind what was found last.
UNROLL_FUNCTION detail::PartEntry* Tape::find(const void* self, TypeId type) {
  for (std::size_t k = 0; k < parts.size(); ++k) {
    const std::size_t at = next_part_ < parts.size() ? next_part_ : 0;
    next_part_ = at + 1;
    if (parts[at].self == self && parts[at].type == type) return &parts[at];
  }
  return nullptr;
}
UNROLL_FUNCTION Tape::Kept& Tape::kept_of(std::ptrdiff_t part, TypeId type) {
  for (std::size_t k = 0; k < kept_.size(); ++k) {
    const std::size_t at = next_kept_ < kept_.size() ? next_kept_ : 0;
    next_kept_ = at + 1;
    if (kept_[at].part == part && kept_[at].type == type) return kept_[at];
  }
  kept_.push_back({part, type, {}, 0});
  next_kept_ = kept_.size();
  return kept_.back();
}

UNROLL_FUNCTION std::string Tape::path_of(std::ptrdiff_t entry, std::ptrdiff_t own) const {
  const detail::PartEntry& part = parts[static_cast<std::size_t>(entry)];
  const std::string name = part.number >= 0 ? concat_text(part.number) : std::string(part.name);
  return part.parent <= 0 || part.parent == own ? name : concat_text(path_of(part.parent, own), ".", name);
}
UNROLL_FUNCTION Context Tape::context_of(const detail::PartEntry& entry, std::ptrdiff_t own, const Context& of) const {
  const bool is_direct = entry.parent < 0 || entry.parent == own;
  const Context above = is_direct ? of : context_of(parts[static_cast<std::size_t>(entry.parent)], own, of);
  const Context its = above.child(static_cast<std::uint64_t>(entry.place));
  // Later calls are numbered apart from the parts, so that neither how often another part is called nor how often this
  // one is in another batch changes a mask.
  return entry.calls == 0 ? its : its.child((std::uint64_t{1} << 32) + entry.calls);
}
UNROLL_FUNCTION Context Tape::context_of_function() {
  return context_.child((std::uint64_t{1} << 33) + drawing_functions_++);  // apart from the parts and their calls
}

UNROLL_FUNCTION void Tape::take_states() const {
  for (const detail::PartEntry& part : parts)
    if (part.end != nullptr) {
      if (const void* from = part.last != nullptr ? part.last : part.start; from != nullptr && from != part.end)
        part.kind->copy(part.end, from);
    }
}
UNROLL_FUNCTION void Tape::plan() const {
  for (detail::Call* call : calls_) call->plan();
}
UNROLL_FUNCTION void Tape::backward() const {
  for (const detail::PartEntry& part : parts)
    if (part.d_end != nullptr && part.d_last != nullptr) part.kind->add(part.d_last, part.d_end);
  for (std::size_t k = calls_.size(); k-- > 0;) {
    detail::Call& call = *calls_[k];
    if (call.part() < 0)
      call.backward();
    else
      detail::in_part([&] { return path_of(call.part(), 0); }, [&] { call.backward(); }, [](std::string&) {});
  }
  for (const detail::PartEntry& part : parts) {
    if (part.d_start == nullptr || part.has_d_start) continue;
    if (part.last != nullptr)
      part.kind->set_zero(part.d_start, part.last);
    else if (part.d_end != nullptr && part.d_end != part.d_start)
      part.kind->copy(part.d_start, part.d_end);  // the state went through untouched
  }
}

}  // namespace unroll::inline UNROLL_ABI
