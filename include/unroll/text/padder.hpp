// Padding: id sequences of any lengths in one matrix.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <Eigen/Core>

#include <unroll/core/config.hpp>

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
  UNROLL_API std::span<const std::int32_t> operator[](Index b) const;
  bool operator==(const PaddedIds&) const = default;

 private:
  UNROLL_API void check() const;
};

/// The first or last `length` ids of a sequence, all of them if it has fewer. No copy.
UNROLL_API std::span<const std::int32_t> keep_first(std::span<const std::int32_t> ids, Index length);
UNROLL_API std::span<const std::int32_t> keep_last(std::span<const std::int32_t> ids, Index length);

/// Brings sequences to one length. By default ids are cut off and padding is put on at the back, so that the first ids
/// stay (Keras: padding='post', truncating='post').
struct Padder {
  Index length;                ///< of each row
  Side pad = Side::back;       ///< where a short sequence gets its padding
  Side truncate = Side::back;  ///< where a long one loses its ids
  std::int32_t padding = 0;    ///< the id to pad with; `<PAD>` of every vocabulary

  /// A sequence without what is too long.
  UNROLL_API std::span<const std::int32_t> shorten(std::span<const std::int32_t> ids) const;

  /// One row a sequence. Throws std::invalid_argument for a negative length and one that memory cannot hold.
  UNROLL_API PaddedIds operator()(std::span<const std::vector<std::int32_t>> sequences) const;

  bool operator==(const Padder&) const = default;
};

/// 1 where a padded batch has an id and 0 where it has padding, in the same order: what `pack` takes as a mask.
UNROLL_API std::vector<std::uint8_t> mask(const PaddedIds& padded, std::int32_t padding = 0);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/text/padder.ipp>
#endif
