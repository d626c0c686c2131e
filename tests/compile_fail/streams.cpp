// Streams that cannot be: layers that need the future, widths that do not meet, trained models of another kind, weights
// that do not stay.
// CASE 1: must say "it reads its sequence from the end"
// CASE 2: must say "it reads its sequence from the end"
// CASE 3: must say "does not take as many values as the one before it gives"
// CASE 4: must say "the trained layer has another cell or another scalar type"
// CASE 5: must say "has another number of layers"
// CASE 6: must say "is not the same function"
// CASE 7: must say "an activation cannot be first"
// CASE 8: must say "there are no more outputs than inputs"
// CASE 9: must say "weights that streams share are const"
// CASE 10: must say "deleted"
// CASE 11: must say "no trained layer whose kind has `apply`"
// CASE 12: must say "has another kind or another scalar type"
// CASE 13: must say "a layer of the model has no stream of fixed size"
#include <unroll/stream/activation.hpp>
#include <unroll/stream/dense.hpp>
#include <unroll/stream/function.hpp>
#include <unroll/stream/of_model.hpp>
#include <unroll/stream/recurrent.hpp>
#include <unroll/stream/stream.hpp>
#include <unroll/unroll.hpp>

namespace s = unroll::stream;
using unroll::Gru, unroll::Lstm;
using Amp = s::Sequential<s::Recurrent<Lstm<>, 1, 8>, s::Dense<8, 1>, s::Tanh<>>;

int main() {
#if CASE == 0
  s::Stream<Amp> amp;
  amp.assign(unroll::Sequential{unroll::Recurrent{Lstm{1, 8}}, unroll::Dense{8, 1}, unroll::Tanh<>{}});
  s::Stream<const Amp&> other(amp.model());
  s::Stream<s::Function<unroll::LayerNorm<>, 3>> norm;
  norm.assign(unroll::LayerNorm{3});
#elif CASE == 1
  s::Stream<s::Sequential<s::Recurrent<Lstm<>, 1, 8>, s::Dense<8, 1>>> amp;
  amp.assign(unroll::Sequential{unroll::Bidirectional{Lstm{1, 8}}, unroll::Dense{16, 1}});
#elif CASE == 2
  s::Stream<s::Sequential<unroll::Bidirectional<Lstm<>>, s::Dense<16, 1>>> amp;
#elif CASE == 3
  s::Stream<s::Sequential<s::Recurrent<Lstm<>, 1, 8>, s::Dense<9, 1>>> amp;
#elif CASE == 4
  s::Stream<Amp> amp;
  amp.assign(unroll::Sequential{unroll::Recurrent{Gru{1, 8}}, unroll::Dense{8, 1}, unroll::Tanh<>{}});
#elif CASE == 5
  s::Stream<Amp> amp;
  amp.assign(unroll::Sequential{unroll::Recurrent{Lstm{1, 8}}, unroll::Dense{8, 1}});
#elif CASE == 6
  s::Stream<Amp> amp;
  amp.assign(unroll::Sequential{unroll::Recurrent{Lstm{1, 8}}, unroll::Dense{8, 1}, unroll::Relu<>{}});
#elif CASE == 7
  s::Stream<s::Sequential<s::Tanh<>>> amp;
#elif CASE == 8
  s::Stream<s::Sequential<s::Skip<s::Recurrent<Lstm<>, 1, 8>>>> amp;
#elif CASE == 9
  Amp amp;
  s::Stream<Amp&> stream(amp);
#elif CASE == 10
  s::Stream<const Amp&> stream(Amp{});
#elif CASE == 11
  s::Stream<s::Function<unroll::Dense<>, 3>> norm;
#elif CASE == 12
  s::Stream<s::Function<unroll::LayerNorm<>, 3>> norm;
  norm.assign(unroll::PRelu{3});
#elif CASE == 13
  using Both = unroll::Sequential<unroll::Bidirectional<Lstm<>>, unroll::Dense<>>;
  s::Stream<s::StreamOf<Both, 1, 16, 1>> both;
#endif
}
