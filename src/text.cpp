#include <unroll/text/basic_tokenizers.ipp>
#include <unroll/text/padder.ipp>
#include <unroll/text/token_table.ipp>
#include <unroll/text/tokenizer.ipp>
#include <unroll/text/unicode_words.ipp>
#include <unroll/text/vocabulary.ipp>
#include <unroll/text/vocabulary_file.ipp>
