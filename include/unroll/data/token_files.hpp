// Reader: sequences of token ids out of files.
#pragma once

#include <filesystem>

#include <unroll/data/dataset.hpp>
#include <unroll/data/read_options.hpp>

namespace unroll::inline UNROLL_ABI {

/// Reads sequences of token ids of a vocabulary of this size from a file of lines `label<TAB>3 14 15`, or, if its first
/// line has no tab, of lines `3 14 15`. A sequence may be empty. Labels, ends of lines and options are those of
/// `read_labelled_text`, but for columns.
///
/// Throws FormatError with path and line for an id outside of the vocabulary, what is not a number, and all that
/// `read_labelled_text` refuses.
UNROLL_API TokenDataset read_token_ids(const std::filesystem::path& path, Index vocabulary_size,
                                       const ReadOptions& options = {});

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/token_files.ipp>
#endif
