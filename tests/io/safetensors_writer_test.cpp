#include <cstring>
#include <limits>

#include <unroll/file/read_file.hpp>
#include <unroll/file/safetensors.hpp>
#include <unroll/file/safetensors_writer.hpp>

#include "../support/not_finite.hpp"
#include "support.hpp"

using namespace unroll;

namespace {
template <class T> Matrix<T> distinct(Index rows, Index cols) {
  Matrix<T> m(rows, cols);
  for (Index k = 0; k < m.size(); ++k) m.data()[k] = static_cast<T>(k * 7 - 3) / static_cast<T>(3);
  return m;
}
template <class T> bool same_bits(const Matrix<T>& a, const Matrix<T>& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(T)) == 0;
}
}  // namespace

TEST_CASE_TEMPLATE("what is written is read back bit for bit", T, float, double, std::int32_t, std::int64_t) {
  Matrix<T> m = distinct<T>(3, 5);
  if constexpr (std::is_floating_point_v<T>) {
    m(0, 0) = not_finite::nan<T>();
    m(1, 0) = -not_finite::infinity<T>();
    m(2, 0) = std::numeric_limits<T>::denorm_min();
    m(0, 1) = -T(0);
  } else {
    m(0, 0) = std::numeric_limits<T>::min();
  }
  SafeTensorsWriter writer;
  writer.add("m", m);
  writer.add_transposed("t", m);
  writer.add_vector<T>("v", std::span<const T>(m.data(), 4));
  const std::vector<Index> shape{1, 2, 3};
  writer.add_array<T>("a", std::span<const T>(m.data(), 6), shape);
  writer.set_metadata("key \"quoted\"", "line\nline \\ \xC3\xA9");

  const TemporaryFolder folder;
  writer.save(folder / "file.safetensors");
  const auto file = read_safetensors(folder / "file.safetensors");
  CHECK(read_file(folder / "file.safetensors") == writer.bytes());
  CHECK(same_bits(file.matrix<T>("m"), m));
  CHECK(file.tensor("m").shape == std::vector<Index>{3, 5});
  CHECK(file.tensor("t").shape == std::vector<Index>{5, 3});
  CHECK(same_bits(file.matrix<T>("t"), Matrix<T>(m.transpose())));
  CHECK(file.tensor("a").shape == shape);
  CHECK(file.tensor("v").shape == std::vector<Index>{4});
  CHECK(file.metadata.at("key \"quoted\"") == "line\nline \\ \xC3\xA9");
}

TEST_CASE("the same calls give the same bytes, and each tensor is aligned") {
  const auto write = [] {
    SafeTensorsWriter writer;
    writer.add("z.float", distinct<float>(1, 3));
    writer.add("y.double", distinct<double>(2, 2));
    writer.add("x.int", distinct<std::int32_t>(1, 1));
    writer.set_metadata("a", "b");
    return writer.bytes();
  };
  const auto bytes = write();
  CHECK(write() == bytes);
  const SafeTensors file{std::span<const std::byte>(bytes)};
  for (const auto& [name, tensor] : file.tensors)
    CHECK((tensor.bytes.data() - bytes.data()) % static_cast<std::ptrdiff_t>(size_of(tensor.dtype)) == 0);
  CHECK(detail::load_bytes<std::uint64_t>(bytes.data()) % 8 == 0);
  CHECK(file.tensor("y.double").bytes.data() < file.tensor("z.float").bytes.data());
  CHECK(file.tensor("z.float").bytes.data() < file.tensor("x.int").bytes.data());
}

TEST_CASE("what cannot be read again is not written") {
  SafeTensorsWriter writer;
  const auto m = distinct<float>(2, 2);
  writer.add("a", m);
  check_mentions(message_of<std::invalid_argument>([&] { writer.add("a", m); }), {"'a'", "two tensors"});
  CHECK(message_of<std::invalid_argument>([&] { writer.add("__metadata__", m); }) != "");
  CHECK(message_of<std::invalid_argument>([&] { writer.add("\xFF", m); }) != "");
  check_mentions(message_of<std::invalid_argument>([&] { writer.set_metadata("k", "\xFF"); }), {"'k'", "UTF-8"});
  const std::vector<float> three(3);
  const std::vector<Index> shape{2, 2};
  check_mentions(
      message_of<std::invalid_argument>([&] { writer.add_array("b", std::span<const float>(three), shape); }),
      {"'b'", "3", "(2, 2)"});
}

TEST_CASE("numbers are written as another type of them, aligned, or refused with the type") {
  SafeTensorsWriter writer;
  const auto m = distinct<double>(2, 3);
  writer.add("half", m, Dtype::f16);
  writer.add_transposed("bfloat16", m, Dtype::bf16);
  writer.add("float", m, Dtype::f32);
  writer.add("double", distinct<float>(2, 3), Dtype::f64);
  const SafeTensors file(writer.bytes());
  CHECK(file.tensor("half").dtype == Dtype::f16);
  CHECK(file.tensor("half").bytes.data() > file.tensor("float").bytes.data());
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 3; ++j) {
      CHECK(file.matrix<float>("half")(i, j) == float_from_half(half_from(m(i, j))));
      CHECK(file.matrix<float>("bfloat16")(j, i) == float_from_bfloat16(bfloat16_from(m(i, j))));
      CHECK(file.matrix<double>("float")(i, j) == static_cast<float>(m(i, j)));
    }
  CHECK(file.matrix<float>("double") == distinct<float>(2, 3));
  const std::vector<float> large{1, 7e4f};
  const std::vector<std::int32_t> whole{1};
  check_mentions(message_of<std::invalid_argument>([&] { writer.add_vector<float>("l", large, Dtype::f16); }),
                 {"element 1 of 'l' is 70000, too large for F16"});
  check_mentions(message_of<std::invalid_argument>([&] { writer.add_vector<std::int32_t>("w", whole, Dtype::f16); }),
                 {"'w' is I32, which cannot be written as F16"});
  CHECK(message_of<std::invalid_argument>([&] { writer.add_vector<float>("l", large, Dtype::i64); }) != "");
  CHECK(SafeTensors(writer.bytes()).tensors.size() == 4);
}

TEST_CASE("an empty file and empty tensors are legal") {
  const auto bytes = SafeTensorsWriter().bytes();
  CHECK(SafeTensors(bytes).tensors.empty());
  SafeTensorsWriter writer;
  writer.add("none", Matrix<float>(0, 4));
  CHECK(SafeTensors(writer.bytes()).matrix<float>("none").cols() == 4);
}
