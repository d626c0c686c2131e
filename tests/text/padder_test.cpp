#include <cstdint>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/core/pack.hpp>
#include <unroll/text/padder.hpp>

using unroll::Padder;
using unroll::Side;
using Ids = std::vector<std::int32_t>;

namespace {
const std::vector<Ids> sequences{{5, 6}, {}, {1, 2, 3, 4, 5}, {7, 8, 9}};
}

TEST_CASE("sequences are padded and cut at the back unless told otherwise") {
  const unroll::PaddedIds padded = Padder{.length = 3}(sequences);
  CHECK(padded.batch == 4);
  CHECK(padded.length == 3);
  CHECK(padded.ids == Ids{5, 6, 0, 0, 0, 0, 1, 2, 3, 7, 8, 9});
}

TEST_CASE("each side can be chosen for padding and for truncation") {
  CHECK(Padder{.length = 3, .pad = Side::front}(sequences).ids == Ids{0, 5, 6, 0, 0, 0, 1, 2, 3, 7, 8, 9});
  CHECK(Padder{.length = 3, .truncate = Side::front}(sequences).ids == Ids{5, 6, 0, 0, 0, 0, 3, 4, 5, 7, 8, 9});
  CHECK(Padder{.length = 3, .pad = Side::front, .truncate = Side::front}(sequences).ids ==
        Ids{0, 5, 6, 0, 0, 0, 3, 4, 5, 7, 8, 9});
  CHECK(Padder{.length = 3, .padding = -1}({sequences.data(), 2}).ids == Ids{5, 6, -1, -1, -1, -1});
}

TEST_CASE("the matrix is seen by Eigen and by row without a copy") {
  unroll::PaddedIds padded = Padder{.length = 3}(sequences);
  CHECK(padded.view().rows() == 4);
  CHECK(padded.view().cols() == 3);
  CHECK(padded.view()(2, 1) == 2);
  padded.view()(2, 1) = 20;
  CHECK(padded.ids[7] == 20);
  CHECK(padded[2].data() == padded.ids.data() + 6);
  CHECK(Ids(padded[2].begin(), padded[2].end()) == Ids{1, 20, 3});
}

TEST_CASE("lengths of zero and batches of none are matrices too") {
  CHECK(Padder{.length = 0}(sequences).ids.empty());
  CHECK(Padder{.length = 0}(sequences).batch == 4);
  CHECK(Padder{.length = 5}({}).view().rows() == 0);
  CHECK_THROWS_WITH_AS(Padder{.length = -1}(sequences), "Padder: length is -1, expected 0 or more",
                       std::invalid_argument);
}

TEST_CASE("one sequence keeps its first or its last ids") {
  const Ids ids{1, 2, 3};
  CHECK(unroll::keep_first(ids, 2).data() == ids.data());
  CHECK(unroll::keep_first(ids, 2).size() == 2);
  CHECK(unroll::keep_last(ids, 2).data() == ids.data() + 1);
  CHECK(unroll::keep_last(ids, 2).size() == 2);
  CHECK(unroll::keep_first(ids, 9).size() == 3);
  CHECK(unroll::keep_last(ids, 0).empty());
  CHECK_THROWS_AS(unroll::keep_last(ids, -1), std::invalid_argument);
  CHECK_THROWS_AS(unroll::keep_first(ids, -1), std::invalid_argument);
}

TEST_CASE("the mask tells ids from padding, and packing by it leaves the padding out") {
  for (const Side side : {Side::front, Side::back}) {
    const unroll::PaddedIds padded = Padder{.length = 4, .pad = side}(sequences);
    const std::vector<std::uint8_t> present = unroll::mask(padded);
    CHECK(present[0] == (side == Side::back ? 1 : 0));
    CHECK(present[3] == (side == Side::back ? 0 : 1));
    const auto packing = unroll::Packing::from_mask(present, padded.batch, padded.length);
    CHECK(packing.lengths == std::vector<unroll::Index>{4, 3, 2, 0});
    CHECK(unroll::pack(padded.ids, padded.batch, 0).ids == Ids{1, 7, 5, 2, 8, 6, 3, 9, 4});
  }
}
