// A header of unroll_export against the outputs in it, which are by the book.
#pragma once

#include <cstddef>

#include <unroll/stream/stream.hpp>

/// 0 if the stream gives them, 1 if not.
template <class Model, class Input, std::size_t n, std::size_t m>
int flaws_of(const Model& model, const Input (&input)[n], const float (&expected)[m]) {
  static float output[m];
  unroll::stream::Stream<const Model&> stream(model);
  stream.process(input, output);
  float largest = 0;
  for (const float value : expected) largest = value > largest ? value : -value > largest ? -value : largest;
  for (std::size_t k = 0; k < m; ++k) {
    const float error = output[k] - expected[k];
    if (!(error <= 2e-6f * largest && -error <= 2e-6f * largest)) return 1;
  }
  return 0;
}
