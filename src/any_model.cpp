#include <unroll/train/load_any.ipp>
#include <unroll/train/text_translator.ipp>
