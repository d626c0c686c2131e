// Bodies of network/model_of.hpp.
#pragma once

#include <unroll/core/error.hpp>
#include <unroll/network/model_of.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION void check_output_of(const Network& network, bool is_of_sequence) {
  require(network.has_final_state() == is_of_sequence, "model_of: the network gives a vector for every ",
          is_of_sequence ? "step" : "sequence", ", the model that was asked for one for every ",
          is_of_sequence ? "sequence: model_of<PackedSequence<>>" : "step: model_of<Matrix<>>");
}

}  // namespace unroll::inline UNROLL_ABI::detail
