// Bodies of text/padder.hpp.
#pragma once

#include <algorithm>
#include <cstddef>

#include <unroll/core/error.hpp>
#include <unroll/text/padder.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION std::span<const std::int32_t> PaddedIds::operator[](Index b) const {
  check();
  require(b >= 0 && b < batch, "PaddedIds: got sequence ", b, ", expected 0 to ", batch - 1);
  return std::span(ids).subspan(static_cast<std::size_t>(b * length), static_cast<std::size_t>(length));
}
UNROLL_FUNCTION void PaddedIds::check() const {
  const std::size_t rows = static_cast<std::size_t>(batch), columns = static_cast<std::size_t>(length);
  require(batch >= 0 && length >= 0 && (rows == 0 || columns <= ids.max_size() / rows) && ids.size() == rows * columns,
          "PaddedIds: ", ids.size(), " ids, expected ", batch, " x ", length);
}

UNROLL_FUNCTION std::span<const std::int32_t> keep_first(std::span<const std::int32_t> ids, Index length) {
  require(length >= 0, "keep_first: length is ", length, ", expected 0 or more");
  return ids.first((std::min)(ids.size(), static_cast<std::size_t>(length)));
}
UNROLL_FUNCTION std::span<const std::int32_t> keep_last(std::span<const std::int32_t> ids, Index length) {
  require(length >= 0, "keep_last: length is ", length, ", expected 0 or more");
  return ids.last((std::min)(ids.size(), static_cast<std::size_t>(length)));
}

UNROLL_FUNCTION std::span<const std::int32_t> Padder::shorten(std::span<const std::int32_t> ids) const {
  return truncate == Side::back ? keep_first(ids, length) : keep_last(ids, length);
}
UNROLL_FUNCTION PaddedIds Padder::operator()(std::span<const std::vector<std::int32_t>> sequences) const {
  require(length >= 0, "Padder: length is ", length, ", expected 0 or more");
  require((pad == Side::front || pad == Side::back) && (truncate == Side::front || truncate == Side::back),
          "Padder: a side is neither front nor back");
  const std::size_t width = static_cast<std::size_t>(length);
  require(sequences.empty() || width <= std::vector<std::int32_t>().max_size() / sequences.size(),
          "Padder: ", sequences.size(), " sequences of length ", length, ", expected as many ids as memory can hold");
  PaddedIds padded{static_cast<Index>(sequences.size()), length, {}};
  padded.ids.assign(sequences.size() * width, padding);
  for (std::size_t b = 0; b < sequences.size(); ++b) {
    const std::span<const std::int32_t> kept = shorten(sequences[b]);
    const std::size_t at = b * width + (pad == Side::back ? 0 : width - kept.size());
    std::ranges::copy(kept, padded.ids.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return padded;
}

UNROLL_FUNCTION std::vector<std::uint8_t> mask(const PaddedIds& padded, std::int32_t padding) {
  std::vector<std::uint8_t> present(padded.ids.size());
  std::ranges::transform(padded.ids, present.begin(), [&](std::int32_t id) { return id != padding; });
  return present;
}

}  // namespace unroll::inline UNROLL_ABI
