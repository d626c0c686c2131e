#include <cmath>
#include <cstring>
#include <limits>

#include <unroll/io/checkpoint.hpp>

#include "../support/not_finite.hpp"
#include "support.hpp"

using namespace unroll;

namespace {

struct Toy {
  Parameter<float> weight{2, 3};
  Table<float> table{2, 4};
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("weight", Kind::weight), self.weight...);
    f(at.leaf("table", Kind::table), self.table...);
  }
};
Toy filled(float start) {
  Toy toy;
  visit(
      [&](const Path&, auto& p) {
        for (Index k = 0; k < p.size(); ++k) p.data()[k] = start /= -3;
      },
      toy);
  return toy;
}
bool same_bits(const Toy& a, const Toy& b) {
  return std::memcmp(a.weight.data(), b.weight.data(), 6 * sizeof(float)) == 0 &&
         std::memcmp(a.table.data(), b.table.data(), 8 * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("everything comes back with the same bits") {
  const TemporaryFolder folder;
  Toy model = filled(1e30f), moment = filled(2);
  moment.weight(1, 1) = not_finite::nan<float>();
  const double tenth = 0.1, worst = not_finite::infinity<double>();
  const std::uint64_t seed = std::numeric_limits<std::uint64_t>::max();
  const std::vector<double> history{1. / 3, not_finite::nan<double>(), -0., 5e-324};
  const std::vector<std::int64_t> order{3, -1, std::numeric_limits<std::int64_t>::max()};
  Matrix<double> state(3, 2);
  state.setConstant(1. / 7);

  CheckpointWriter writer;
  writer.add("model", model);
  writer.add("m", moment);
  writer.add("rate", tenth);
  writer.add("best", worst);
  writer.add("scale", 0.3f);
  writer.add("seed", seed);
  writer.add("epoch", -3);
  writer.add("stopped", true);
  writer.add("schedule", "cosine");
  writer.add("name", std::string("\n\"\xC3\xA9"));
  writer.add("loss", history);
  writer.add("order", order);
  writer.add("empty", std::vector<double>());
  writer.add("state", state);
  writer.save(folder / "checkpoint");

  Checkpoint checkpoint(folder / "checkpoint");
  Toy read_model = filled(5), read_moment = filled(6);
  checkpoint.read("model", read_model);
  checkpoint.read("m", read_moment);
  CHECK(same_bits(read_model, model));
  CHECK(same_bits(read_moment, moment));
  CHECK(checkpoint.get<double>("rate") == tenth);
  CHECK(checkpoint.get<double>("best") == worst);
  CHECK(checkpoint.get<float>("scale") == 0.3f);
  CHECK(checkpoint.get<std::uint64_t>("seed") == seed);
  CHECK(checkpoint.get<int>("epoch") == -3);
  CHECK(checkpoint.get<bool>("stopped"));
  CHECK(checkpoint.get<std::string>("schedule") == "cosine");
  CHECK(checkpoint.get<std::string>("name") == "\n\"\xC3\xA9");
  const auto loss = checkpoint.get<std::vector<double>>("loss");
  CHECK(std::memcmp(loss.data(), history.data(), sizeof(double) * 4) == 0);
  CHECK(checkpoint.get<std::vector<std::int64_t>>("order") == order);
  CHECK(checkpoint.get<std::vector<double>>("empty").empty());
  CHECK(checkpoint.contains("seed"));
  CHECK(checkpoint.contains("state"));
  CHECK_FALSE(checkpoint.contains("other"));
  check_mentions(message_of([&] { checkpoint.require_all_read(); }),
                 {"nothing here has a place", "'state'", "F64 (3, 2)"});
  CHECK(checkpoint.get<Matrix<double>>("state") == state);
  CHECK(message_of([&] { checkpoint.require_all_read(); }) == "");
}

TEST_CASE("a checkpoint of another run is refused by name") {
  CheckpointWriter writer;
  writer.add("model", filled(1));
  writer.add("epoch", 300);
  writer.add("name", "x");
  const TemporaryFolder folder;
  writer.save(folder / "checkpoint");
  Checkpoint checkpoint(folder / "checkpoint");

  Toy wider = filled(1);
  wider.weight.resize(2, 4);
  wider.weight.setZero();
  check_mentions(message_of([&] { checkpoint.read("model", wider); }),
                 {"checkpoint", "'model.weight'", "got F32 (2, 3)", "expected F32 (2, 4)"});
  CHECK(wider.table == filled(1).table);
  check_mentions(message_of([&] { checkpoint.read("v", wider); }), {"no tensor 'v.weight'"});
  check_mentions(message_of([&] { checkpoint.get<int>("none"); }), {"none"});
  check_mentions(message_of([&] { checkpoint.get<std::int8_t>("epoch"); }), {"'epoch'", "'300'"});
  check_mentions(message_of([&] { checkpoint.get<bool>("epoch"); }), {"'epoch'", "true or false"});
  check_mentions(message_of([&] { checkpoint.get<double>("name"); }), {"'name'", "'x'", "16 hex"});
  check_mentions(message_of([&] { checkpoint.get<std::vector<double>>("model.weight"); }), {"'model.weight'", "F64"});
  Toy model = filled(2);
  checkpoint.read("model", model);
  checkpoint.get<int>("epoch");
  check_mentions(message_of([&] { checkpoint.require_all_read(); }), {"nothing here has a place", "'name'"});
}

TEST_CASE("a name stands once in a checkpoint, and other files are not checkpoints") {
  CheckpointWriter writer;
  writer.add("epoch", 1);
  check_mentions(message_of<std::invalid_argument>([&] { writer.add("epoch", 2); }), {"'epoch'"});
  writer.add("model", filled(1));
  CHECK(message_of<std::invalid_argument>([&] { writer.add("model", filled(1)); }) != "");

  const TemporaryFolder folder;
  SafeTensorsWriter().save(folder / "other");
  check_mentions(message_of([&] { Checkpoint(folder / "other"); }), {"other", "unroll.checkpoint"});
  SafeTensorsWriter newer;
  newer.set_metadata("unroll.checkpoint", "2");
  newer.save(folder / "newer");
  check_mentions(message_of([&] { Checkpoint(folder / "newer"); }), {"newer", "version '2'", "expected 1"});
}

TEST_CASE("a parameter that has no moments is left out of both ways") {
  Toy moments = filled(1);
  moments.table = Table<float>();
  CheckpointWriter writer;
  writer.add("m", moments);
  const TemporaryFolder folder;
  writer.save(folder / "checkpoint");
  Checkpoint checkpoint(folder / "checkpoint");
  Toy read = filled(2);
  read.table = Table<float>();
  checkpoint.read("m", read);
  CHECK(read.weight == moments.weight);
  CHECK(message_of([&] { checkpoint.require_all_read(); }) == "");
}

TEST_CASE("a number comes back in its own type, or is refused where it does not fit") {
  const TemporaryFolder folder;
  const std::string path = (folder / "numbers").string();
  CheckpointWriter writer;
  writer.add("letter", 'A');
  writer.add("large", 1e300);
  writer.add("infinite", not_finite::of_bits<double>(0x7FF0000000000000));
  writer.add("count", 70000);
  writer.save(path);
  Checkpoint checkpoint(path);
  CHECK(checkpoint.get<char>("letter") == 'A');
  CHECK(checkpoint.get<double>("large") == 1e300);
  CHECK(message_of([&] { checkpoint.get<float>("large"); }) ==
        path + ": value 'large' is 1e+300, expected a number of its type");
  CHECK(checkpoint.get<float>("infinite") == not_finite::of_bits<float>(0x7F800000));
  check_mentions(message_of([&] { checkpoint.get<short>("count"); }), {path + ": value 'count': got '70000'"});
}
