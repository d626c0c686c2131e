// Labelled texts that are more than memory holds, a part at a time.
#pragma once

#include <filesystem>
#include <memory>

#include <unroll/core/config.hpp>
#include <unroll/data/readers.hpp>

namespace unroll::inline UNROLL_ABI {

/// The texts of a file or, with `{.read = read_pipe}`, of a pipe, read once from beginning to end. What is in memory is
/// one part:
/// ```
/// LabelledTextParts parts("reviews.tsv", {.label_names = {"neg", "pos"}});
/// Optimizer optimizer(model, Adam{});  // keeps its moments from part to part
/// for (LabelledTexts some = parts.next(100'000); some.size() > 0; some = parts.next(100'000))
///   fit(model, CrossEntropy{}, optimizer, encoder(some));
/// ```
class LabelledTextParts {
 public:
  /// As read_labelled_text, but no folder, with `label_names`, because the first part need not have all labels;
  /// `max_bytes` are those of one part. Throws as that does.
  UNROLL_API explicit LabelledTextParts(const std::filesystem::path& path, ReadOptions options);
  UNROLL_API LabelledTextParts(LabelledTextParts&& other) noexcept;
  UNROLL_API LabelledTextParts& operator=(LabelledTextParts&& other) noexcept;
  UNROLL_API ~LabelledTextParts();

  /// The next `most` texts; fewer at the end of the file, and none after it.
  UNROLL_API LabelledTexts next(Index most);

 private:
  struct Reading;
  std::unique_ptr<Reading> reading_;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/text_parts.ipp>
#endif
