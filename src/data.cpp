#include <unroll/data/batches.ipp>
#include <unroll/data/byte_source.ipp>
#include <unroll/data/calendar.ipp>
#include <unroll/data/conll.ipp>
#include <unroll/data/contiguous_batches.ipp>
#include <unroll/data/dataset.ipp>
#include <unroll/data/encode.ipp>
#include <unroll/data/nearest_words.ipp>
#include <unroll/data/pair_dataset.ipp>
#include <unroll/data/pipe.ipp>
#include <unroll/data/pretrained_embedding.ipp>
#include <unroll/data/read_options.ipp>
#include <unroll/data/readers.ipp>
#include <unroll/data/scaler.ipp>
#include <unroll/data/series_windows.ipp>
#include <unroll/data/split.ipp>
#include <unroll/data/table.ipp>
#include <unroll/data/targets.ipp>
#include <unroll/data/text_parts.ipp>
#include <unroll/data/token_files.ipp>
#include <unroll/data/word_dataset.ipp>
#include <unroll/data/word_vector_file.ipp>
#include <unroll/data/word_vectors.ipp>

namespace unroll::inline UNROLL_ABI {
UNROLL_DATASET_INSTANCES(template)
UNROLL_PAIR_DATASET_INSTANCES(template)
UNROLL_WORD_DATASET_INSTANCES(template)
UNROLL_CONTIGUOUS_BATCHES_INSTANCES(template)
UNROLL_SERIES_WINDOWS_INSTANCES(template)
UNROLL_TARGETS_INSTANCES(template)
}  // namespace unroll::inline UNROLL_ABI
