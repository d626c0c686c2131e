#include <unroll/io/load_network.ipp>
#include <unroll/io/network_file.ipp>
#include <unroll/io/network_model.ipp>
#include <unroll/io/network_run.ipp>
#include <unroll/io/network_writer.ipp>
