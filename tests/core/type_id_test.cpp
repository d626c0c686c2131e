#include <vector>

#include <doctest/doctest.h>

#include <unroll/core/type_id.hpp>

using unroll::TypeId;

namespace {
struct OfThisFile {};
}  // namespace

TEST_CASE("a TypeId is equal for the same type, and for no other") {
  CHECK(TypeId::of<int>() == TypeId::of<int>());
  CHECK(TypeId::of<OfThisFile>() == TypeId::of<OfThisFile>());
  CHECK(TypeId::of<std::vector<int>>() == TypeId::of<std::vector<int>>());
  CHECK_FALSE(TypeId::of<int>() == TypeId::of<unsigned>());
  CHECK_FALSE(TypeId::of<std::vector<int>>() == TypeId::of<std::vector<float>>());
  CHECK_FALSE(TypeId::of<OfThisFile>() == TypeId::of<void>());
}
