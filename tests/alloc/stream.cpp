// Streams allocate nothing while samples pass, models of any size nothing after they are made.
#include <unroll/network/library_kinds.hpp>
#include <unroll/stream/activation.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/stream/compiled_units.hpp>
#include <unroll/stream/embedding.hpp>
#include <unroll/stream/function.hpp>
#include <unroll/stream/handover.hpp>
#include <unroll/stream/staged.hpp>

#include "counting.hpp"

namespace {

using namespace unroll;  // NOLINT

using Amp = stream::Sequential<stream::Skip<stream::Recurrent<Lstm<>, 1, 20>, stream::Dense<20, 1>>>;
using Stereo =
    stream::Sequential<stream::Recurrent<Gru<>, 2, 40>, stream::Recurrent<GruResetBefore<>, 40, 9>,
                       stream::Function<LayerNorm<>, 9>, stream::Dense<9, 5>, stream::Tanh<>, stream::Dense<5, 2>>;
using Words = stream::Sequential<stream::Embedding<8>, stream::Recurrent<Lstm<>, 8, 12>, stream::Dense<12, 1>>;

template <class M>
constexpr bool nothing_throws = [] {
  using S = stream::Stream<M>;
  static_assert(noexcept(std::declval<S&>().process({}, {})));
  static_assert(noexcept(std::declval<S&>().reset()));
  static_assert(noexcept(std::declval<S&>().snapshot()));
  static_assert(noexcept(std::declval<S&>().restore(std::declval<const typename S::State&>())));
  static_assert(std::is_nothrow_copy_assignable_v<typename S::State>);
  return true;
}();
static_assert(nothing_throws<Amp> && nothing_throws<Stereo> && nothing_throws<Words>);
static_assert(noexcept(std::declval<stream::Stream<Amp>&>().step(0.f)));
static_assert(noexcept(std::declval<stream::Stream<Amp>&>().prewarm(1)));
static_assert(noexcept(std::declval<stream::Stream<Words>&>().step(3)));
static_assert(noexcept(std::declval<stream::AnyModel&>().step(0.f)));
static_assert(noexcept(std::declval<stream::AnyModel&>().process(std::span<const float>(), {})));
static_assert(noexcept(std::declval<stream::AnyModel&>().prewarm(1)));
static_assert(noexcept(std::declval<stream::AnyModel&>().restore({})));

stream::Stream<Amp> amp;
stream::Stream<Stereo> stereo;
stream::Stream<Words> words;
float samples[512], more[512], table[80];
std::int32_t ids[64];

NetworkLayer layer_of(const LayerKind* cell, Index D, Index H) {
  NetworkLayer w{cell};
  w.tensors["weight_ih"] = Matrix<float>::Constant(describe_layer({cell}).gates * H, D, 0.1f);
  w.tensors["weight_hh"] = Matrix<float>::Constant(describe_layer({cell}).gates * H, H, 0.1f);
  return w;
}
NetworkLayer dense_of(Index in, Index out) {
  return {&layer_kind<DenseKind>, {{"weight", Matrix<float>::Constant(out, in, 0.1f)}}};
}
stream::AnyModel any_model(std::vector<NetworkLayer> layers) {
  Network network;
  network.layers = std::move(layers);
  return stream::AnyModel(network, stream::CompiledUnits<20>());
}

// What a real-time thread calls: under clang's RealtimeSanitizer (realtime.sh) every call that may wait ends the
// program.
template <class F> void call(const F& f) noexcept UNROLL_TEST_REALTIME { f(); }

int passed = 0, failed = 0;
template <class F> void report(const char* what, const F& f) {
  allocations = 0;
  counting = true;
  call(f);
  counting = false;
  (allocations == 0 ? passed : failed) += 1;
  if (allocations != 0) std::printf("FAILED: %s: %ld allocations\n", what, allocations.load());
}

}  // namespace

int main() {
  report("fixed size", [] {
    amp.reset();
    amp.prewarm(100);
    const auto state = amp.snapshot();
    amp.process(samples, more);
    for (const float x : samples) more[0] += amp.step(x);
    amp.restore(state);
    stereo.process(samples, more);
    stereo.step(std::span<const float, 2>(samples, 2));
    words.model().layer<0>().set(table);
    words.process(ids, more);
    words.step(5);
  });
  stream::AnyModel compiled = any_model({layer_of(&layer_kind<LstmKind>, 1, 20), dense_of(20, 1)});
  stream::AnyModel dynamic =
      any_model({layer_of(&layer_kind<GruKind>, 2, 37), layer_of(&layer_kind<GruResetBeforeKind>, 37, 10),
                 dense_of(10, 7), NetworkLayer{&layer_kind<SoftmaxKind>}, dense_of(7, 2)});
  stream::AnyModel text =
      any_model({NetworkLayer{&layer_kind<EmbeddingKind>, {{"weight", Matrix<float>::Constant(6, 30, 0.1f)}}},
                 layer_of(&layer_kind<RnnKind>, 6, 10), dense_of(10, 1)});
  auto state = compiled.snapshot();
  report("any model", [&] {
    compiled.prewarm(100);
    compiled.process(samples, more);
    for (const float x : samples) more[0] += compiled.step(x);
    compiled.save(state);
    compiled.restore(state);
    compiled.reset();
    dynamic.prewarm(100);
    dynamic.process(samples, more);
    dynamic.reset();
    text.process(ids, more);
  });
  stream::Handover<stream::AnyModel> models;
  models.offer(std::make_unique<stream::AnyModel>(any_model({layer_of(&layer_kind<GruKind>, 1, 20), dense_of(20, 1)})));
  report("a model that is handed over", [&] { models.get()->process(samples, more); });
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
