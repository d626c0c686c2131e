// A new model for a thread that must not wait: loaded outside, taken over between two blocks, freed outside.
#pragma once

#include <atomic>
#include <memory>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {
namespace stream {

/// One thread offers models, one other thread, the audio thread, uses them. Neither locks, and the audio thread neither
/// allocates nor frees.
template <class Model> class Handover {
 public:
  Handover() = default;
  explicit Handover(std::unique_ptr<Model> first) : current_(first.release()) {}
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;
  /// When the audio thread has stopped.
  ~Handover() {
    delete current_;
    delete offered_.load();
    delete done_.load();
  }

  /// The thread that loads: the audio thread takes it at its next `get`. An offer that it has not yet taken is freed;
  /// null takes it back and offers nothing.
  void offer(std::unique_ptr<Model> model) {
    collect();
    delete offered_.exchange(model.release(), std::memory_order_acq_rel);
  }
  /// The same thread, now and then: frees the model that the audio thread is done with. Until then it takes no other.
  void collect() { delete done_.exchange(nullptr, std::memory_order_acq_rel); }

  /// The audio thread, before each block: the model to use, null before there is one.
  Model* get() noexcept {
    if (offered_.load(std::memory_order_relaxed) != nullptr && done_.load(std::memory_order_acquire) == nullptr)
      if (Model* next = offered_.exchange(nullptr, std::memory_order_acq_rel); next != nullptr) {
        done_.store(current_, std::memory_order_release);
        current_ = next;
      }
    return current_;
  }

 private:
  std::atomic<Model*> offered_ = nullptr, done_ = nullptr;
  Model* current_ = nullptr;  ///< of the audio thread
};

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
