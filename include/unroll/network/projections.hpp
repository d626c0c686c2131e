// A network for programs whose LSTMs have no projection.
#pragma once

#include <unroll/network/network.hpp>

namespace unroll::inline UNROLL_ABI {

/// The network with an LSTM and a dense layer in the place of each projected LSTM: r = W_r h is a dense layer behind an
/// LSTM, whose U r is (U W_r) h. Throws std::invalid_argument for one with a learned initial r or in two directions,
/// which these two do not give.
UNROLL_API Network split_projections(Network network);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/network/projections.ipp>
#endif
