#include <cstring>

#include <unroll/io/parameters_file.hpp>

#include "../support/not_finite.hpp"
#include "support.hpp"

using namespace unroll;

namespace {

/// Layers as PyTorch lays them out, with nothing in them but parameters.
template <class T> struct Toy {
  Table<T> table{3, 5};
  Parameter<T> weight{4, 1}, bias_ih{4, 1}, bias_hh{4, 1};

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    const Path first = at / 0, second = at / 1, recurrent = second.layer(0);
    f(first.leaf("weight", Kind::table), self.table...);
    f(recurrent.leaf("weight_ih", Kind::weight), self.weight...);
    f(recurrent.leaf("bias_ih", Kind::bias), self.bias_ih...);
    f(recurrent.leaf("bias_hh", Kind::bias), self.bias_hh...);
  }
};

template <class T> Toy<T> distinct(bool dual = true) {
  Toy<T> toy;
  if (!dual) toy.bias_hh = Parameter<T>();
  T next = T(1) / T(3);
  visit(
      [&](const Path&, auto& p) {
        for (Index k = 0; k < p.size(); ++k) p.data()[k] = next += T(1);
      },
      toy);
  return toy;
}
template <class T> Toy<T> zeros(bool dual = true) {
  Toy<T> toy = distinct<T>(dual);
  visit([](const Path&, auto& p) { p.setZero(); }, toy);
  return toy;
}
template <class T> SafeTensorsWriter write(const Toy<T>& toy) {
  SafeTensorsWriter writer;
  add_parameters(writer, toy);
  return writer;
}
template <class T> bool same_bits(const Toy<T>& a, const Toy<T>& b) {
  bool same = true;
  visit(
      [&](const Path&, const auto& p, const auto& q) {
        same = same && p.size() == q.size() &&
               std::memcmp(p.data(), q.data(), static_cast<std::size_t>(p.size()) * sizeof(T)) == 0;
      },
      a, b);
  return same;
}
/// What loading into `toy` says about the file that `writer` makes.
template <class T> std::string refusal(const SafeTensorsWriter& writer, Toy<T> toy = zeros<T>()) {
  const Toy<T> before = toy;
  const auto message = message_of([&] { load_parameters(SafeTensors(writer.bytes(), "file"), toy); });
  CHECK(same_bits(before, toy));
  return message;
}

}  // namespace

TEST_CASE_TEMPLATE("parameters come back bit for bit, and stay as trainable as they were", T, float, double) {
  const Toy<T> saved = distinct<T>();
  Toy<T> loaded = zeros<T>();
  loaded.table.trainable = false;
  load_parameters(SafeTensors(write(saved).bytes()), loaded);
  CHECK(same_bits(saved, loaded));
  CHECK_FALSE(loaded.table.trainable);
  CHECK(loaded.weight.trainable);
}

TEST_CASE("names and shapes are PyTorch's") {
  const Toy<float> toy = distinct<float>();
  const SafeTensors file(write(toy).bytes());
  CHECK(file.tensors.size() == 4);
  CHECK(file.tensor("0.weight").shape == std::vector<Index>{5, 3});
  CHECK(file.tensor("1.weight_ih_l0").shape == std::vector<Index>{4, 1});
  CHECK(file.tensor("1.bias_hh_l0").shape == std::vector<Index>{4});
  CHECK(file.matrix<float>("0.weight")(4, 2) == toy.table(2, 4));
  CHECK(zero_tensors(file).empty());
}

TEST_CASE("a single bias is written with zeros beside it, and they are skipped on the way back") {
  const Toy<float> saved = distinct<float>(false);
  const SafeTensors file(write(saved).bytes());
  CHECK(zero_tensors(file) == std::vector<std::string>{"1.bias_hh_l0"});
  CHECK(file.matrix<float>("1.bias_hh_l0") == Eigen::VectorXf::Zero(4));
  Toy<float> single = zeros<float>(false);
  load_parameters(file, single);
  CHECK(same_bits(saved, single));
  Toy<float> dual = distinct<float>();
  load_parameters(file, dual);
  CHECK(dual.bias_hh == Eigen::VectorXf::Zero(4));
  CHECK(dual.bias_ih == saved.bias_ih);

  // Listed as zeros, but not zeros; listed, but not there; zeros nobody listed.
  SafeTensorsWriter writer = write(distinct<float>());
  writer.set_metadata(zero_tensors_key, R"(["1.bias_hh_l0"])");
  check_mentions(refusal(writer, zeros<float>(false)), {"file", "'1.bias_hh_l0'", "listed as zeros"});
  writer.set_metadata(zero_tensors_key, R"(["none"])");
  check_mentions(refusal<float>(writer), {"file", "'none'"});
  writer.set_metadata(zero_tensors_key, R"([["none"]])");
  check_mentions(refusal<float>(writer), {"file", "unroll.zero_tensors", "got an array", "an array of strings"});
  check_mentions(refusal(write(zeros<float>()), zeros<float>(false)), {"no place", "'1.bias_hh_l0'", "F32 (4)"});
}

TEST_CASE("a tensor that is listed as zeros twice is refused") {
  SafeTensorsWriter writer;
  writer.set_metadata(zero_tensors_key, R"(["b","a","b"])");
  check_mentions(message_of([&] { zero_tensors(SafeTensors(writer.bytes(), "file")); }),
                 {"file: metadata unroll.zero_tensors: the name 'b' stands twice"});
}

TEST_CASE("the first mismatch is named with file, tensor, got and expected, and changes nothing") {
  Toy<float> toy = distinct<float>();
  SafeTensorsWriter missing;
  missing.add_transposed("0.weight", toy.table);
  check_mentions(refusal<float>(missing), {"file: no tensor '1.weight_ih_l0'", "expected F32 (4, 1)"});

  toy.weight = Parameter<float>(1, 4);
  toy.weight.setZero();
  check_mentions(refusal<float>(write(toy)),
                 {"file: tensor '1.weight_ih_l0'", "got F32 (1, 4)", "expected F32 (4, 1)"});
  check_mentions(refusal(write(distinct<double>()), zeros<float>()), {"'0.weight'", "got F64", "expected F32 (5, 3)"});

  SafeTensorsWriter unknown = write(distinct<float>());
  unknown.add("2.weight", toy.weight);
  check_mentions(refusal<float>(unknown), {"file", "no place", "'2.weight'", "F32 (1, 4)"});
}

TEST_CASE("numbers that are not finite are neither written nor read") {
  for (const float bad : {not_finite::nan<float>(), not_finite::infinity<float>()}) {
    Toy<float> toy = distinct<float>();
    toy.weight(2) = bad;
    check_mentions(message_of<std::invalid_argument>([&] { write(toy); }), {"'1.weight_ih_l0'", "element 2"});
    SafeTensorsWriter writer;
    writer.add_transposed("0.weight", toy.table);
    writer.add("1.weight_ih_l0", toy.weight);
    check_mentions(refusal<float>(writer), {"file: tensor '1.weight_ih_l0'", "element 2"});
  }
}
