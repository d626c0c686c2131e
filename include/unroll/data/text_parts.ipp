// Bodies of data/text_parts.hpp.
#pragma once

#include <algorithm>
#include <system_error>
#include <utility>

#include <unroll/core/range.hpp>
#include <unroll/data/label_numbers.hpp>
#include <unroll/data/readers.ipp>
#include <unroll/data/text_parts.hpp>

namespace unroll::inline UNROLL_ABI {

struct LabelledTextParts::Reading {
  ReadOptions options;
  detail::LabelNumbers numbers;
  detail::LabelledRecords records;
  Index done = 0;

  Reading(const std::filesystem::path& path, ReadOptions of)
      : options(std::move(of)), numbers(options.label_names), records(path, options, numbers) {}
};

UNROLL_FUNCTION LabelledTextParts::LabelledTextParts(const std::filesystem::path& path, ReadOptions options) {
  detail::check(options, "LabelledTextParts");
  require(!options.label_names.empty(),
          "LabelledTextParts: label_names are none; the first part need not have all labels");
  reading_ = std::make_unique<Reading>(path, std::move(options));
}
UNROLL_FUNCTION LabelledTextParts::LabelledTextParts(LabelledTextParts&& other) noexcept = default;
UNROLL_FUNCTION LabelledTextParts& LabelledTextParts::operator=(LabelledTextParts&& other) noexcept = default;
UNROLL_FUNCTION LabelledTextParts::~LabelledTextParts() = default;

UNROLL_FUNCTION LabelledTexts LabelledTextParts::next(Index most) {
  detail::require_at_least("LabelledTextParts", "the size of a part", most, 1);
  require(reading_ != nullptr, "LabelledTextParts: used after it was moved from");
  LabelledTexts part;
  part.label_names = reading_->options.label_names;
  reading_->records.begin_part();
  reading_->records.read((std::min)(most, reading_->options.limit - reading_->done), part);
  reading_->done += static_cast<Index>(part.size());
  return part;
}

}  // namespace unroll::inline UNROLL_ABI
