#include <array>

#include <doctest/doctest.h>

#include <unroll/core/pack.hpp>
#include <unroll/data/dataset.hpp>

using unroll::Index;

namespace {
using Sequences = std::vector<std::vector<std::int32_t>>;
const Sequences ids{{5}, {1, 2, 3}, {}, {7, 8}};

/// The message of what f throws.
template <class F> std::string message_of(const F& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "nothing was thrown";
}

/// The padded ids of a batch, -1 where a sequence has ended.
std::vector<std::vector<std::int32_t>> unpacked(const unroll::TokenBatch& batch) {
  std::vector<std::vector<std::int32_t>> rows(static_cast<std::size_t>(batch.packing.batch()));
  for (Index n = 0; n < batch.packing.total(); ++n)
    rows[static_cast<std::size_t>(batch.packing.sequence_of(n))].push_back(batch.ids[static_cast<std::size_t>(n)]);
  return rows;  // packed columns come in the order of time
}
}  // namespace

TEST_CASE("labels get numbers in the order of their names, and a label outside known names is refused") {
  const std::vector<std::string> strings{"pos", "neg", "pos", "mixed"};
  const auto named = unroll::labels_from_strings(strings);
  CHECK(named.names == std::vector<std::string>{"mixed", "neg", "pos"});
  CHECK(named.labels == std::vector<Index>{2, 1, 2, 0});
  CHECK(unroll::labels_from_strings(std::vector<std::string>{"neg"}, named.names).labels == std::vector<Index>{1});
  CHECK(message_of([&] { unroll::labels_from_strings(std::vector<std::string>{"neg", "bad"}, named.names); }) ==
        "labels_from_strings: label 1 is 'bad', which is none of the 3 names");
}

TEST_CASE("a batch of token sequences has their ids at their times, in the order asked for, empty ones too") {
  const unroll::TokenDataset data(ids, std::vector<Index>{0, 1, 0, 1});
  CHECK(data.size() == 4);
  CHECK(data.steps() == 6);
  const std::vector<Index> rows{3, 2, 1};
  unroll::TokenBatch batch;
  data.fill(rows, batch);
  CHECK(unpacked(batch) == Sequences{{7, 8}, {}, {1, 2, 3}});
  CHECK(batch.packing.batch_sizes == std::vector<Index>{2, 2, 1});
  unroll::BatchTargets<float> targets;
  data.fill_targets<float>(rows, batch.packing, targets);
  CHECK(targets.labels == std::vector<Index>{1, 0, 1});
  CHECK(targets.sample_weights.empty());
}

TEST_CASE("labels of steps come in packed order") {
  const unroll::TokenDataset data(ids, std::vector<std::vector<Index>>{{50}, {10, 20, 30}, {}, {70, 80}});
  const std::vector<Index> rows{0, 3, 1};
  unroll::TokenBatch batch;
  data.fill(rows, batch);
  unroll::BatchTargets<float> targets;
  data.fill_targets<float>(rows, batch.packing, targets);
  std::vector<Index> expected;
  for (const auto id : batch.ids) expected.push_back(10 * id);
  CHECK(targets.labels == expected);
  CHECK(targets.labels == std::vector<Index>{10, 70, 50, 20, 80, 30});
}

TEST_CASE("vectors of any lengths are copied, and come back as they were") {
  std::vector<Eigen::MatrixXf> sequences{Eigen::MatrixXf::Random(3, 2), Eigen::MatrixXf::Random(3, 0),
                                         Eigen::MatrixXf::Random(3, 4)};
  const auto first = sequences;
  Eigen::MatrixXf targets(2, 3);
  targets << 1, 2, 3, 4, 5, 6;
  const unroll::SequenceDataset data(sequences, targets);
  static_assert(std::same_as<std::remove_cvref_t<decltype(data)>, unroll::SequenceDataset<float>>);
  for (auto& s : sequences) s.setZero();
  CHECK(data.features() == 3);
  for (Index k = 0; k < 3; ++k) CHECK(data[k] == first[static_cast<std::size_t>(k)]);

  const std::vector<Index> rows{0, 2};
  unroll::PackedSequence<float> batch;
  data.fill(rows, batch);
  const auto padded = unroll::unpack(batch);
  CHECK(padded.middleCols(0, 2) == first[0]);
  CHECK(padded.middleCols(4, 4) == first[2]);
  unroll::BatchTargets<float> out;
  data.fill_targets<float>(rows, batch.packing, out);
  CHECK_FALSE(out.are_labels);
  CHECK(out.values.col(0) == targets.col(0));
  CHECK(out.values.col(1) == targets.col(2));
}

TEST_CASE("numbers for every step come in packed order") {
  std::vector<Eigen::MatrixXd> x, y;
  for (const Index steps : {2, 0, 5}) {
    x.push_back(Eigen::MatrixXd::Random(1, steps));
    y.push_back(Eigen::MatrixXd(2 * x.back()));
  }
  const unroll::SequenceDataset data(x, y);
  const std::vector<Index> rows{0, 1, 2};
  unroll::PackedSequence<double> batch;
  data.fill(rows, batch);
  unroll::BatchTargets<double> out;
  data.fill_targets<double>(rows, batch.packing, out);
  CHECK(out.values == Eigen::MatrixXd(2 * batch.values));
}

TEST_CASE("sample weights travel with their sequences, for every step of them where targets are per step") {
  unroll::TokenDataset data(ids, std::vector<std::vector<Index>>{{0}, {0, 0, 0}, {}, {0, 0}});
  data.set_sample_weights({1, 2, 3, 4});
  const std::vector<Index> rows{3, 1};
  unroll::TokenBatch batch;
  data.fill(rows, batch);
  unroll::BatchTargets<float> targets;
  data.fill_targets<float>(rows, batch.packing, targets);
  CHECK(targets.sample_weights == std::vector<double>{2, 4, 2, 4, 2});
  const auto some = data.select(rows);
  CHECK(some.sample_weights() == std::vector<double>{4, 2});
  CHECK_THROWS_WITH(data.set_sample_weights({1}), "Dataset: 1 sample weights for 4 sequences");
}

TEST_CASE("a selection holds its sequences and targets in its own order, with the names of the labels") {
  const unroll::TokenDataset data(ids, unroll::labels_from_strings(std::vector<std::string>{"b", "a", "c", "a"}));
  const auto some = data.select(std::vector<Index>{3, 0});
  CHECK(some.size() == 2);
  CHECK(some[0].size() == 2);
  CHECK(some[0][1] == 8);
  CHECK(some.targets().labels == std::vector<Index>{0, 1});
  CHECK(some.label_names() == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("targets that do not fit the sequences are refused with both numbers") {
  CHECK(message_of([] { unroll::TokenDataset(ids, std::vector<Index>{1}); }) == "Dataset: 1 targets for 4 sequences");
  CHECK(message_of([] { unroll::TokenDataset(ids, std::vector<std::vector<Index>>{{1}, {2}}); }) ==
        "Dataset: 2 targets for 6 steps");
  CHECK(message_of([] {
          unroll::SequenceDataset<float>({Eigen::MatrixXf::Zero(2, 3), Eigen::MatrixXf::Zero(3, 3)});
        }) == "SequenceDataset: sequence 1 has 3 features, sequence 0 has 2");
  CHECK(message_of([] {
          unroll::TokenBatch batch;
          unroll::TokenDataset(ids).fill(std::vector<Index>{4}, batch);
        }) == "Dataset: row 4, expected 0 to 3");
}

TEST_CASE("a smaller batch after a larger one reuses its memory") {
  std::vector<Eigen::MatrixXf> sequences;
  for (Index k = 0; k < 8; ++k) sequences.push_back(Eigen::MatrixXf::Random(3, 1 + k));
  const unroll::SequenceDataset data(sequences, std::vector<Index>(8, 0));
  unroll::PackedSequence<float> batch;
  data.fill(std::vector<Index>{4, 5, 6, 7}, batch);
  const float* memory = batch.values.data();
  const Index* source = batch.packing.source.data();
  data.fill(std::vector<Index>{1, 7, 2}, batch);
  CHECK(batch.values.data() == memory);
  CHECK(batch.packing.source.data() == source);
}

TEST_CASE("labels may be of any integer type, for sequences and for steps") {
  const std::vector<Index> expected{0, 1, 0, 1};
  CHECK(unroll::TokenDataset(ids, std::vector<int>{0, 1, 0, 1}).targets().labels == expected);
  CHECK(unroll::TokenDataset(ids, std::vector<std::uint8_t>{0, 1, 0, 1}).targets().labels == expected);
  CHECK(unroll::TokenDataset(ids, std::vector<bool>{false, true, false, true}).targets().labels == expected);
  CHECK(unroll::TokenDataset(ids, std::array<long long, 4>{0, 1, 0, 1}).targets().labels == expected);
  const unroll::TokenDataset named(ids, {std::vector<int>{0, 1, 0, 1}, {"no", "yes"}});
  CHECK(named.label_names().size() == 2);
  const unroll::TokenDataset steps(ids, std::vector<std::vector<int>>{{50}, {10, 20, 30}, {}, {70, 80}});
  CHECK(steps.targets().per_step);
  CHECK(steps.targets().labels == std::vector<Index>{50, 10, 20, 30, 70, 80});
  CHECK(unroll::Targets(Eigen::VectorXi(Eigen::VectorXi::Ones(3))).are_labels() == false);
}

TEST_CASE("sequences without a step keep the kind of their targets, and a selection its sample weights") {
  using Matrix = Eigen::MatrixXd;
  const unroll::SequenceDataset data(std::vector<Matrix>{Matrix::Ones(2, 3), Matrix(2, 0)},
                                     std::vector<Matrix>{Matrix::Ones(1, 3), Matrix(1, 0)});
  const std::vector<Index> empty{1};
  const auto some = data.select(empty);
  CHECK(some.has_targets());
  CHECK_FALSE(some.targets().are_labels());
  unroll::TokenDataset weighted(ids);
  weighted.set_sample_weights({1, 2, 3, 4});
  CHECK(weighted.select(empty).sample_weights() == std::vector<double>{2});
}
