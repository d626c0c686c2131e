// Batches that a thread of their own reads ahead.
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include <doctest/doctest.h>

#include "classifier.hpp"

namespace {

using namespace unroll;

/// What happens to a data set that is on a disk.
struct Readings {
  std::atomic<Index> made{0}, inside{0};
  std::atomic<bool> at_once{false}, elsewhere{false};
  std::thread::id caller = std::this_thread::get_id();
};
/// Slow; its reading of batch `broken` fails.
struct OnDisk {
  using Batch = TokenBatch;
  TokenDataset data;
  Readings* seen;
  Index broken = -1;

  Index size() const { return data.size(); }
  Index length(Index k) const { return data.length(k); }
  void fill(std::span<const Index> rows, TokenBatch& batch) const {
    if (seen->inside.fetch_add(1) != 0) seen->at_once = true;
    if (std::this_thread::get_id() != seen->caller) seen->elsewhere = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    data.fill(rows, batch);
    seen->inside.fetch_sub(1);
    if (seen->made.fetch_add(1) == broken) throw std::runtime_error("disk.bin: cannot be read");
  }
  void fill_targets(std::span<const Index> rows, const Packing& packing, BatchTargets<float>& targets) const {
    data.fill_targets(rows, packing, targets);
  }
};
using DiskOptions = FitOptions<OnDisk>;
History train_on_disk(Classifier& model, const OnDisk& data, const DiskOptions& options) {
  return fit(model, BinaryCrossEntropy{}, Adam{.rate = 1e-2}, data, options);
}
struct OnBatch {
  std::function<void(Run&)> f;
  void on_batch_end(Run& run) { f(run); }
};

}  // namespace

TEST_CASE("what is read ahead is what is read when it is needed, bit for bit" * doctest::test_suite("bits")) {
  Readings seen;
  const OnDisk data{make_data(103), &seen};
  for (const Index accumulate : {1, 3}) {
    const auto bits = [&](Index prefetch) {
      Classifier model = make_classifier(0.2);
      const History history = train_on_disk(model, data,
                                            {.epochs = 2,
                                             .batch_size = 10,
                                             .accumulate = accumulate,
                                             .seed = 4,
                                             .prefetch = prefetch,
                                             .validation_split = 0.2});
      return std::pair(bits_of(model), history.series("val_loss"));
    };
    const auto without = bits(0);
    CHECK_FALSE(seen.elsewhere);
    for (const Index prefetch : {1, 2, 50}) CHECK(bits(prefetch) == without);
    CHECK(seen.elsewhere.exchange(false));
  }
  CHECK_FALSE(seen.at_once);  // never by two threads
}

TEST_CASE("no more batches are read ahead than were asked for") {
  Readings seen;
  const OnDisk data{make_data(120), &seen};
  Index most = 0;
  const OnBatch look{[&](Run& run) {
    std::this_thread::sleep_for(std::chrono::milliseconds(8));  // the reader is faster
    most = std::max(most, seen.made - run.batch());
    CHECK(seen.made <= run.batch() + 3);
  }};
  Classifier model = make_classifier();
  train_on_disk(model, data, {.batch_size = 10, .prefetch = 3, .callbacks = look});
  CHECK(most >= 2);  // and it does read ahead
  CHECK(seen.made == 12);
}

TEST_CASE("what the reader throws comes out of fit, after the batches before have been learned") {
  Readings seen, healthy;
  Classifier model = make_classifier(), expected = make_classifier();
  Index updates = 0;
  const OnBatch count{[&](Run&) { ++updates; }};
  CHECK_THROWS_WITH_AS(
      train_on_disk(model, OnDisk{make_data(100), &seen, 5}, {.batch_size = 10, .prefetch = 4, .callbacks = count}),
      "disk.bin: cannot be read", std::runtime_error);
  CHECK(updates == 5);
  const OnBatch stop{[](Run& run) {
    if (run.batch() == 5) run.stop("enough");
  }};
  train_on_disk(expected, OnDisk{make_data(100), &healthy}, {.batch_size = 10, .callbacks = stop});
  CHECK(distance(model, expected) == 0);
}

TEST_CASE("the reader ends with the run, whether that ends early or by an exception") {
  for (const bool throws : {false, true}) {
    Readings seen;
    const OnDisk data{make_data(200), &seen};
    Classifier model = make_classifier();
    const OnBatch end{[&](Run& run) {
      if (run.batch() != 3) return;
      if (throws) throw std::runtime_error("out");
      run.stop("enough");
    }};
    const DiskOptions options{.epochs = 2, .batch_size = 10, .prefetch = 2, .callbacks = end};
    if (throws)
      CHECK_THROWS_WITH_AS(train_on_disk(model, data, options), "out", std::runtime_error);
    else
      CHECK(train_on_disk(model, data, options).message == "enough");
    const Index made = seen.made;
    CHECK(made <= 6);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(seen.made == made);
  }
  Readings seen;
  Classifier model = make_classifier();
  CHECK_THROWS_WITH_AS(train_on_disk(model, OnDisk{make_data(10), &seen}, {.prefetch = -1}),
                       "fit: prefetch is -1, expected 0 to 1024 batches", std::invalid_argument);
}
