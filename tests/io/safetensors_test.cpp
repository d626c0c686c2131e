#include <unroll/file/safetensors.hpp>

#include "support.hpp"

using namespace unroll;

namespace {

/// A file with this header and these bytes behind it.
std::vector<std::byte> make_file(std::string_view header, std::string_view data = "") {
  std::vector<std::byte> file(8);
  detail::store_bytes(static_cast<std::uint64_t>(header.size()), file.data());
  for (const auto part : {header, data}) {
    const auto bytes = bytes_of(part);
    file.insert(file.end(), bytes.begin(), bytes.end());
  }
  return file;
}
SafeTensors parse(std::string_view header, std::string_view data = "") {
  return SafeTensors(make_file(header, data), "file");
}
std::string refusal_of(std::string_view header, std::string_view data = "") {
  return message_of([&] { parse(header, data); });
}
template <class... T> std::string bytes_text(T... values) {
  std::string text;
  const auto append = [&](auto value) {
    std::byte bytes[sizeof value];
    detail::store_bytes(value, bytes);
    for (const std::byte b : bytes) text += static_cast<char>(b);
  };
  (append(values), ...);
  return text;
}

const std::string two_by_three =
    R"({"__metadata__":{"who":"me"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})";

}  // namespace

TEST_CASE("a row-major tensor becomes the matrix with the same rows and columns") {
  const auto file = parse(two_by_three, bytes_text(1.f, 2.f, 3.f, 4.f, 5.f, 6.f));
  CHECK(file.metadata.at("who") == "me");
  CHECK(file.tensor("a").shape == std::vector<Index>{2, 3});
  CHECK(file.tensor("a").bytes.size() == 24);
  const Matrix<double> m = file.matrix<double>("a");
  Eigen::MatrixXd expected(2, 3);
  expected << 1, 2, 3, 4, 5, 6;
  CHECK(m == expected);
  check_mentions(message_of([&] { file.matrix<float>("b"); }), {"file", "no tensor 'b'"});
}

TEST_CASE("vectors are columns, scalars are 1 x 1, tensors of three dimensions keep their bytes") {
  const auto file = parse(
      R"({"v":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},"s":{"dtype":"F64","shape":[],"data_offsets":[16,24]},
          "t":{"dtype":"U8","shape":[1,2,2],"data_offsets":[24,28]},"e":{"dtype":"F32","shape":[0,7],"data_offsets":[28,28]}})",
      bytes_text(std::int64_t{-7}, std::int64_t{1} << 40, 2.5, std::int32_t{0x04030201}));
  CHECK(file.matrix<double>("v")(1, 0) == 0x1p40);
  CHECK(file.matrix<std::int64_t>("v")(0, 0) == -7);
  CHECK(file.matrix<float>("s")(0, 0) == 2.5f);
  CHECK(file.matrix<float>("e").cols() == 7);
  CHECK(file.elements<std::int32_t>("t") == std::vector<std::int32_t>{1, 2, 3, 4});
  check_mentions(message_of([&] { file.matrix<float>("t"); }), {"'t'", "(1, 2, 2)", "at most two"});
  check_mentions(message_of([&] { file.matrix<std::int32_t>("v"); }), {"'v'", "element 1", "range"});
  check_mentions(message_of([&] { file.matrix<std::int32_t>("s"); }), {"'s'", "2.5", "F64"});
}

TEST_CASE("16-bit floating point is widened") {
  const auto file = parse(
      R"({"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]}})",
      bytes_text(std::uint16_t{0x3E00}, std::uint16_t{0x8001}, std::uint16_t{0x4049}));
  CHECK(file.matrix<float>("h")(0, 0) == 1.5f);
  CHECK(file.matrix<double>("h")(1, 0) == -0x1p-24);
  CHECK(file.matrix<double>("b")(0, 0) == 3.140625);
}

TEST_CASE("a copy outlives the object it was copied from") {
  SafeTensors copy;
  {
    const auto file = parse(two_by_three, bytes_text(1.f, 2.f, 3.f, 4.f, 5.f, 6.f));
    copy = file;
  }
  CHECK(copy.matrix<float>("a")(1, 2) == 6);
}

TEST_CASE("a file cut anywhere is refused") {
  const auto whole = make_file(two_by_three, bytes_text(1.f, 2.f, 3.f, 4.f, 5.f, 6.f));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    // A vector of exactly n bytes: an address sanitizer sees a read past it.
    const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    CAPTURE(n);
    REQUIRE(message_of([&] { SafeTensors(cut, "file"); }).starts_with("file: "));
    REQUIRE(message_of([&] { SafeTensors(std::span(cut), "file"); }).starts_with("file: "));
  }
  auto longer = whole;
  longer.push_back(std::byte{0});
  check_mentions(message_of([&] { SafeTensors(longer, "file"); }), {"1 bytes behind the last tensor"});
}

TEST_CASE("any single damaged byte of the header is refused or harmless") {
  const auto whole = make_file(two_by_three, bytes_text(1.f, 2.f, 3.f, 4.f, 5.f, 6.f));
  for (std::size_t at = 0; at < whole.size() - 24; ++at)
    for (int value = 0; value < 256; ++value) {
      auto damaged = whole;
      damaged[at] = static_cast<std::byte>(value);
      try {
        const SafeTensors file(damaged, "file");
        for (const auto& [name, tensor] : file.tensors) {
          REQUIRE(tensor.bytes.size() == 24);
          if (tensor.rank() <= 2 && tensor.dtype != Dtype::other)
            REQUIRE(file.matrix<double>(name).size() == tensor.size());
        }
      } catch (const FormatError& error) {
        REQUIRE(std::string_view(error.what()).starts_with("file: "));
      }
    }
}

TEST_CASE("a length that the file cannot have is refused before anything is allocated") {
  for (const std::uint64_t length :
       {std::uint64_t{1} << 63, ~std::uint64_t{0}, std::uint64_t{100'000'001}, std::uint64_t{0x7FFFFFFFFFFFFFF8}}) {
    auto file = make_file("{}");
    detail::store_bytes(length, file.data());
    check_mentions(message_of([&] { SafeTensors(file, "file"); }), {"file", "header", "not safetensors"});
  }
  auto file = make_file("{}");
  detail::store_bytes(std::uint64_t{3}, file.data());
  check_mentions(message_of([&] { SafeTensors(file, "file"); }), {"cut short", "2 bytes"});
  check_mentions(refusal_of(""), {"does not begin with '{'"});
  check_mentions(refusal_of("\xEF\xBB\xBF{}"), {"does not begin with '{'"});
}

TEST_CASE("tensors cover the data exactly") {
  const auto with = [](std::string_view a, std::string_view b) {
    return concat_text(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)", a,
                       R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)", b, "}}");
  };
  CHECK(refusal_of(with("[0,4]", "[4,8]"), "12345678") == "");
  CHECK(refusal_of(with("[4,8]", "[0,4]"), "12345678") == "");
  check_mentions(refusal_of(with("[0,4]", "[3,7]"), "1234567"), {"'b'", "byte 3", "expected 4", "overlaps"});
  check_mentions(refusal_of(with("[0,4]", "[0,4]"), "1234"), {"overlaps"});
  check_mentions(refusal_of(with("[0,4]", "[5,9]"), "123456789"), {"'b'", "byte 5", "expected 4", "gap"});
  check_mentions(refusal_of(with("[1,5]", "[5,9]"), "123456789"), {"'a'", "byte 1", "expected 0"});
  check_mentions(refusal_of(with("[0,4]", "[4,9]"), "123456789"), {"'b'", "got 5 bytes, expected 4"});
  check_mentions(refusal_of(with("[0,4]", "[8,4]"), "12345678"), {"'b'", "[8, 4]"});
  check_mentions(refusal_of(with("[0,4]", "[4,8]"), "1234567"), {"'b'", "not in the 7 bytes"});
  check_mentions(refusal_of(with("[0,4]", "[18446744073709551612,18446744073709551615]"), "1234"), {"'b'", "not in"});
  CHECK(refusal_of("{}") == "");
  check_mentions(refusal_of("{}", "x"), {"1 bytes behind"});
}

TEST_CASE("shapes whose sizes overflow are refused") {
  const auto with = [](std::string_view shape) {
    return concat_text(R"({"a":{"dtype":"F64","shape":)", shape, R"(,"data_offsets":[0,0]}})");
  };
  for (const auto* shape :
       {"[4294967296,4294967296]", "[18446744073709551615]", "[9223372036854775807,2]", "[0,18446744073709551615]",
        "[2305843009213693952]", "[65536,65536,65536,65536,0]", "[0,4611686018427387904]"})
    check_mentions(refusal_of(with(shape)), {"'a'", "more elements than memory can hold"});
  check_mentions(refusal_of(with("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]")), {"'a'", "more than 16 numbers in its shape"});
  // A matrix of nothing is one, but nobody is made to walk along a side that has no bytes in the file.
  CHECK(parse(with("[0,16777216]")).matrix<double>("a").cols() == 16777216);
  for (const auto* shape : {"[137438953472,0]", "[0,16777217]"}) {
    const SafeTensors file = parse(with(shape));
    CHECK(file.tensor("a").size() == 0);
    CHECK(file.elements<double>("a").empty());
    check_mentions(message_of([&] { file.matrix<double>("a"); }), {"file: tensor 'a'", "which holds nothing"});
  }
}

TEST_CASE("names that stand twice are refused") {
  const std::string a = R"("a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  check_mentions(refusal_of("{" + a + "," + a + "}"), {"'a'", "twice"});
  check_mentions(refusal_of(R"({"__metadata__":{"k":"1","k":"2"}})"), {"'k'", "twice"});
  check_mentions(refusal_of(R"({"__metadata__":{},"__metadata__":{}})"), {"__metadata__", "twice"});
  check_mentions(refusal_of(R"({"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}})"),
                 {"dtype", "twice"});
  check_mentions(refusal_of(R"({"a":{"dtype":"U8","shape":[0],"shape":[0],"data_offsets":[0,0]}})"),
                 {"shape", "twice"});
}

TEST_CASE("a header of another form is refused with what was expected") {
  const auto with = [](std::string_view fields) { return concat_text(R"({"a":{)", fields, "}}"); };
  check_mentions(refusal_of(with(R"("shape":[0],"data_offsets":[0,0])")), {"'a'", "no dtype"});
  check_mentions(refusal_of(with(R"("dtype":"U8","data_offsets":[0,0])")), {"'a'", "no shape"});
  check_mentions(refusal_of(with(R"("dtype":"U8","shape":[0])")), {"'a'", "no data_offsets"});
  check_mentions(refusal_of(with(R"("dtype":"U8","shape":[0],"data_offsets":[0])")), {"'a'", "not two numbers"});
  check_mentions(refusal_of(with(R"("dtype":"U8","shape":[0],"data_offsets":[0,0,0])")), {"'a'", "more than 2"});
  check_mentions(refusal_of(with(R"("dtype":"U8","shape":[-1],"data_offsets":[0,0])")), {"'a'", "negative", "shape"});
  check_mentions(refusal_of(with(R"("dtype":"U8","shape":[1.0],"data_offsets":[0,1])"), "x"), {"'a'", "fraction"});
  check_mentions(refusal_of(with(R"("dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,1])")), {"fraction"});
  check_mentions(refusal_of(with(R"("dtype":"U8","shape":[[0]],"data_offsets":[0,0])")), {"'a'", "got an array"});
  check_mentions(refusal_of(with(R"("dtype":7,"shape":[0],"data_offsets":[0,0])")), {"'a'", "got a number", "'dtype'"});
  check_mentions(refusal_of(with(R"("dtype":null,"shape":[0],"data_offsets":[0,0])")), {"'a'", "got null"});
  check_mentions(refusal_of(with(R"("x":"y")")), {"'a'", "got a string", "'x'"});
  check_mentions(refusal_of(R"({"a":3})"), {"'a'", "got a number"});
  check_mentions(refusal_of(R"({"a":[]})"), {"'a'", "got an array"});
  check_mentions(refusal_of(R"({"__metadata__":{"k":{}}})"), {"'k'", "got an object", "a string"});
  check_mentions(refusal_of(R"({"__metadata__":{"k":1}})"), {"'k'", "got a number", "a string"});
  check_mentions(refusal_of(R"({"__metadata__":[]})"), {"__metadata__"});
  check_mentions(refusal_of("{} {}"), {"not JSON at byte"});
  check_mentions(refusal_of("{\"a\xFF\":{}}"), {"not JSON at byte"});
  check_mentions(refusal_of("{"), {"not JSON at byte"});
}

TEST_CASE("a tensor of a type that nobody reads is refused where it is used") {
  const auto with = [](std::string_view dtype, std::string_view shape, std::size_t bytes) {
    return concat_text(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":")", dtype,
                       R"(","shape":)", shape, R"(,"data_offsets":[4,)", 4 + bytes, "]}}");
  };
  const auto data = [](std::size_t bytes) { return bytes_text(2.5f) + std::string(bytes, 'x'); };
  struct Known {
    std::string_view name;
    std::size_t bytes;  // of 8 elements
  };
  for (const auto& [name, bytes] : {Known{"BOOL", 8},
                                    {"I8", 8},
                                    {"F8_E5M2", 8},
                                    {"F8_E4M3", 8},
                                    {"F8_E8M0", 8},
                                    {"I16", 16},
                                    {"U16", 16},
                                    {"U32", 32},
                                    {"U64", 64},
                                    {"C64", 64},
                                    {"F4", 4},
                                    {"F6_E2M3", 6},
                                    {"F6_E3M2", 6}}) {
    CAPTURE(name);
    const SafeTensors file = parse(with(name, "[2,4]", bytes), data(bytes));
    CHECK(file.matrix<float>("a")(0, 0) == 2.5f);
    const Tensor& b = file.tensor("b");
    CHECK(b.dtype == Dtype::other);
    CHECK(b.type() == name);
    CHECK(b.size() == 8);
    CHECK(b.bytes.size() == bytes);
    check_mentions(message_of([&] { file.matrix<float>("b"); }), {"file: tensor 'b': its elements are", name, "F32"});
    check_mentions(message_of([&] { file.elements<float>("b"); }), {"file: tensor 'b': its elements are", name});
    check_mentions(refusal_of(with(name, "[2,4]", bytes + 1), data(bytes + 1)), {"'b'", "expected", "from its shape"});
  }
  check_mentions(refusal_of(with("F4", "[3]", 2), data(2)), {"'b'", "got 2 bytes, expected 2 whole ones"});
  // Of a type that does not exist yet, nothing is known but where it lies.
  const SafeTensors file = parse(with("F3_NEXT", "[7]", 5), data(5));
  CHECK(file.tensor("b").type() == "F3_NEXT");
  const SafeTensors many = parse(with("F3_NEXT", "[1099511627776]", 5), data(5));
  check_mentions(message_of([&] { many.elements<float>("b"); }), {"'b': its elements are 'F3_NEXT'"});
  check_mentions(message_of([&] { many.matrix<float>("b"); }), {"'b': its elements are 'F3_NEXT'"});
  check_mentions(refusal_of(with("F3_NEXT", "[7]", 5), data(4)), {"'b'", "not in the 8 bytes"});
}

TEST_CASE("metadata that is null is none") {
  CHECK(parse(R"({"__metadata__":null})").metadata.empty());
  check_mentions(refusal_of(R"({"__metadata__":null,"__metadata__":{}})"), {"__metadata__", "twice"});
  check_mentions(refusal_of(R"({"a":null})"), {"got null", "an object for 'a'"});
}

TEST_CASE("a name that is not there: the nearest ones are said") {
  const auto file = parse(R"({"lstm.weight_ih_l0":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)"
                          R"("lstm.weight_hh_l0":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)"
                          R"("fc.bias":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)"
                          R"("fc.weight":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})");
  const auto missing = [&](std::string_view name) { return message_of([&] { file.tensor(name); }); };
  CHECK(missing("weight_ih_l0") == "file: no tensor 'weight_ih_l0'; the nearest is 'lstm.weight_ih_l0'");
  CHECK(missing("lstm.weight_ih_l1") ==
        "file: no tensor 'lstm.weight_ih_l1'; the nearest are 'lstm.weight_ih_l0', 'lstm.weight_hh_l0'");
  CHECK(missing("fc.wieght") == "file: no tensor 'fc.wieght'; the nearest is 'fc.weight'");
  CHECK(missing("q") == "file: no tensor 'q'; there are 'fc.bias', 'fc.weight', 'lstm.weight_hh_l0' and 1 more");
  CHECK(message_of([] { SafeTensors().tensor("a"); }) == ": no tensor 'a'; there are none");
}

TEST_CASE("deep and large JSON costs nothing") {
  check_mentions(refusal_of(R"({"a":)" + std::string(1'000'000, '[')), {"got an array"});
  std::string deep;
  for (int k = 0; k < 200'000; ++k) deep += R"({"a":)";
  check_mentions(refusal_of(deep), {"got an object"});
  const std::string name(1'000'000, 'n');
  CHECK(refusal_of("{\"" + name + "\":3}").size() < 400);
  CHECK(refusal_of("{\"a\\n\\u0007\":3}").find('\n') == std::string::npos);
}
