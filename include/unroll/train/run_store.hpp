// Where runs are kept so that they can go on.
#pragma once

#include <unroll/train/record.hpp>

namespace unroll::inline UNROLL_ABI {

class RunStore;
namespace detail {
class FitRun;
/// How a run becomes a record and goes on from one. A program that never makes a store does without the code.
struct Resume {
  UNROLL_API static void save(const FitRun& run, RunStore& to);
  UNROLL_API static void load(FitRun& run, RunStore& from);
};
}  // namespace detail

/// Where a run is kept so that it can go on after its process has died: `checkpoint_file(path)` in
/// <unroll/train/checkpoint.hpp>, or one of your own. `save` replaces what was saved before as a whole.
class UNROLL_API RunStore {
 public:
  RunStore() : save_run_(detail::Resume::save), load_run_(detail::Resume::load) {}
  virtual ~RunStore() = default;
  virtual void save(const Record& record) = 0;
  virtual Record load() = 0;

 private:
  friend detail::FitRun;
  void (*save_run_)(const detail::FitRun&, RunStore&);
  void (*load_run_)(detail::FitRun&, RunStore&);
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/run_store.ipp>
#endif
