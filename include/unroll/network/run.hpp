// What a network computes, by the book and in double: the judge of what a file says about itself.
#pragma once

#include <limits>

#include <unroll/core/matrix.hpp>
#include <unroll/network/network.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// From the first steps, at most so many, of the network's own test input, with the skip and without the gains.
UNROLL_API Matrix<double> run_test_input(const Network& network, Index most = (std::numeric_limits<Index>::max)());
/// `check_test` of a network that has been validated.
UNROLL_API void check_sound_test(const Network& network);
}  // namespace detail

/// The network's output (outputs, steps), or (outputs, 1) with a final state, for an input (inputs, steps) from its
/// initial state, gains and skip included. In double and without haste: for checks, not for audio. Throws
/// std::invalid_argument where network or input are not sound.
UNROLL_API Matrix<double> run_network(const Network& network, const Matrix<double>& input);

/// How far an output may be off the test vector's, of its largest: files hold numbers of 6 to 9 digits, and those who
/// wrote them computed in float.
inline constexpr double test_tolerance = 1e-4;

/// Throws FormatError unless the network gives its test vector's output. Without a test vector it holds. Of a longer
/// one the first 1024 steps are run (all, where a layer looks at later ones): a file of many weights and many steps
/// would take the product of the two.
UNROLL_API void check_test(const Network& network);

/// Gives a network without a test vector one of its own making: `steps` random inputs and what it computes.
UNROLL_API void add_test(Network& network, Index steps = 32);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/network/run.ipp>
#endif
