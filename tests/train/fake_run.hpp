// A run without a model, whose metrics a test writes: callbacks alone are tested with it.
#pragma once

#include <unroll/train/callback.hpp>

#include "one_weight.hpp"

class FakeRun final : public unroll::Run {
 public:
  unroll::EpochLog now{.epoch = 1};
  unroll::History past;
  double learning_rate = 1;
  OneWeight weight;  ///< the model
  bool validation = true, stopped = false;
  std::string why;

  unroll::Index epoch() const override { return now.epoch; }
  unroll::Index epochs() const override { return 10; }
  unroll::Index batch() const override { return 1; }
  unroll::Index batches() const override { return 4; }
  unroll::Index sequences() const override { return 100; }
  std::int64_t step() const override { return steps; }
  bool has_validation() const override { return validation; }
  const unroll::History& history() const override { return past; }
  unroll::EpochLog& log() override { return now; }
  double rate() const override { return learning_rate; }
  void set_rate(double to) override { learning_rate = to; }
  void freeze(std::string_view) override {}
  void thaw(std::string_view) override {}
  void stop(std::string reason) override { stopped = true, why = std::move(reason); }

  /// One epoch whose metric has this value and after which the weight is the epoch's number.
  template <class C> void epoch_of(C& callback, std::string_view metric, double value) {
    weight = static_cast<double>(now.epoch);
    now.metrics[std::string(metric)] = value;
    callback.on_epoch_end(*this);
    past.epochs.push_back(now);
    ++now.epoch;
  }

  std::int64_t steps = 0;

 private:
  unroll::detail::ModelRef model_ref() const override { return unroll::detail::ModelRef(weight); }
  unroll::TypeId model_type() const override { return unroll::TypeId::of<decltype(weight)>(); }
  void* model_address() override { return &weight; }
  unroll::TypeId optimizer_type() const override { return unroll::TypeId::of<void>(); }
  void* optimizer_address() override { return nullptr; }
};
