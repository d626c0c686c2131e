#include <unroll/format/load_network.ipp>
#include <unroll/format/network_file.ipp>
#include <unroll/format/network_writer.ipp>
#include <unroll/format/plan_json.ipp>
#include <unroll/network/model.ipp>
#include <unroll/network/projections.ipp>
#include <unroll/network/run.ipp>
