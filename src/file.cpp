#include <unroll/file/read_file.ipp>
#include <unroll/file/replace_file.ipp>
