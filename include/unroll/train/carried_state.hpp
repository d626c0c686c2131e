// The state that goes from one window of streams into the next.
#pragma once

#include <span>
#include <type_traits>

#include <unroll/data/contiguous_batches.hpp>
#include <unroll/layer/layer.hpp>
#include <unroll/train/epoch_windows.hpp>
#include <unroll/train/record.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Of a model M on data D, which carries nothing unless D are Streams.
template <class M, class D> class CarriedState {
  using State = typename StateOf<M>::type;
  struct NoState {};

 public:
  /// Into and out of these rows, which are one window. The gradient stops at its border.
  Carry<State> into([[maybe_unused]] const D& data, [[maybe_unused]] std::span<const Index> rows,
                    [[maybe_unused]] const EpochWindows<D>& windows = {}) {
    if constexpr (Streams<D>) {
      if (rows.front() == 0) return {nullptr, &state_};
      windows.with(rows.front(), [&](const auto& window) {
        if constexpr (requires { data.restarts(window); }) reset_state(state_, data.restarts(window));
      });
      return {&state_, &state_};
    } else {
      return {};
    }
  }

  Record record() const {
    Record record;
    if constexpr (Streams<D>)
      visit_state([&]<class T>(const Path& path, const Matrix<T>& field) { record.set(path.str(), field); }, state_);
    return record;
  }
  /// Throws for what is not like the present one.
  void load(const Record& saved) requires Streams<D>
  {
    saved.check_like(record());
    visit_state([&]<class T>(const Path& path, Matrix<T>& field) { field = saved.get<Matrix<T>>(path.str()); }, state_);
  }

 private:
  std::conditional_t<Streams<D>, State, NoState> state_;
};
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
