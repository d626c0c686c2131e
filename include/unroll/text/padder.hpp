// Padding: id sequences of any lengths in one matrix.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <Eigen/Core>

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI {

enum class Side : std::uint8_t { front, back };

/// A (batch, length) matrix of ids, sequence after sequence: id t of sequence b is ids[b * length + t].
struct PaddedIds {
  Index batch = 0;
  Index length = 0;
  std::vector<std::int32_t> ids;

  using RowMajor = Eigen::Matrix<std::int32_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  /// (batch, length), no copy: valid as long as this object.
  Eigen::Map<const RowMajor> view() const {
    check();
    return {ids.data(), batch, length};
  }
  Eigen::Map<RowMajor> view() {
    check();
    return {ids.data(), batch, length};
  }
  /// The ids of sequence b with its padding, no copy. Throws std::invalid_argument where there is no such sequence, as
  /// `view` does where the members do not fit each other.
  std::span<const std::int32_t> operator[](Index b) const {
    check();
    require(b >= 0 && b < batch, "PaddedIds: got sequence ", b, ", expected 0 to ", batch - 1);
    return std::span(ids).subspan(static_cast<std::size_t>(b * length), static_cast<std::size_t>(length));
  }
  bool operator==(const PaddedIds&) const = default;

 private:
  void check() const {
    const std::size_t rows = static_cast<std::size_t>(batch), columns = static_cast<std::size_t>(length);
    require(
        batch >= 0 && length >= 0 && (rows == 0 || columns <= ids.max_size() / rows) && ids.size() == rows * columns,
        "PaddedIds: ", ids.size(), " ids, expected ", batch, " x ", length);
  }
};

/// The first or last `length` ids of a sequence, all of them if it has fewer. No copy.
inline std::span<const std::int32_t> keep_first(std::span<const std::int32_t> ids, Index length) {
  require(length >= 0, "keep_first: length is ", length, ", expected 0 or more");
  return ids.first((std::min)(ids.size(), static_cast<std::size_t>(length)));
}
inline std::span<const std::int32_t> keep_last(std::span<const std::int32_t> ids, Index length) {
  require(length >= 0, "keep_last: length is ", length, ", expected 0 or more");
  return ids.last((std::min)(ids.size(), static_cast<std::size_t>(length)));
}

/// Brings sequences to one length. By default ids are cut off and padding is put on at the back, so that the first ids
/// stay (Keras: padding='post', truncating='post').
struct Padder {
  Index length;                ///< of each row
  Side pad = Side::back;       ///< where a short sequence gets its padding
  Side truncate = Side::back;  ///< where a long one loses its ids
  std::int32_t padding = 0;    ///< the id to pad with; `<PAD>` of every vocabulary

  /// A sequence without what is too long.
  std::span<const std::int32_t> shorten(std::span<const std::int32_t> ids) const {
    return truncate == Side::back ? keep_first(ids, length) : keep_last(ids, length);
  }

  /// One row a sequence. Throws std::invalid_argument for a negative length and one that memory cannot hold.
  PaddedIds operator()(std::span<const std::vector<std::int32_t>> sequences) const {
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

  bool operator==(const Padder&) const = default;
};

/// 1 where a padded batch has an id and 0 where it has padding, in the same order: what `pack` takes as a mask.
inline std::vector<std::uint8_t> mask(const PaddedIds& padded, std::int32_t padding = 0) {
  std::vector<std::uint8_t> present(padded.ids.size());
  std::ranges::transform(padded.ids, present.begin(), [&](std::int32_t id) { return id != padding; });
  return present;
}

}  // namespace unroll::inline UNROLL_ABI
