// Layers of a stream whose sizes are known only at run time: everything is allocated when they are made.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include <unroll/cell/pointwise_cell.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/stream/any_layer.hpp>
#include <unroll/stream/kernel/dense.hpp>
#include <unroll/stream/kernel/dispatch.hpp>
#include <unroll/stream/kernel/stages.hpp>
#include <unroll/stream/kernel/step.hpp>
#include <unroll/stream/recurrent_data.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

/// Columns are padded to whole blocks.
constexpr Index padded_stride(Index values) { return (values + widest_block - 1) / widest_block * widest_block; }

/// (S padded, 1) fields and where they begin.
class DynamicState {
 public:
  DynamicState(Index fields, Index padded) : now_(fields * padded, 1), initial_(fields * padded, 1), padded_(padded) {
    now_.setZero();
    initial_.setZero();
  }
  float* field(std::size_t s) { return now_.data() + static_cast<Index>(s) * padded_; }
  float* initial(std::size_t s) { return initial_.data() + static_cast<Index>(s) * padded_; }
  void reset() { std::copy_n(initial_.data(), initial_.size(), now_.data()); }
  std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(now_.data(), std::size_t(now_.size()))); }

 private:
  Matrix<float> now_, initial_;
  Index padded_;
};

/// What the streams of all cells hold: the input's weights, biases, parameters per unit and the state. U is theirs.
template <class E> class DynamicCell : public DynamicLayer {
 public:
  static constexpr int S = E::S;
  using Data = stream::RecurrentData<float, static_cast<std::size_t>(S)>;

  void reset() noexcept override { state_.reset(); }
  std::span<std::byte> state() noexcept override { return state_.bytes(); }

 protected:
  DynamicShape shape_;
  const Index padded_;  ///< units
  Matrix<float> input_, recurrent_, bias_, recurrent_bias_, unit_, projected_;
  DynamicState state_;

  /// H units, R outputs. `sums`: b_h goes in with b.
  DynamicCell(const Data& data, Index D, Index H, Index R, Index recurrent_size, bool sums)
      : DynamicLayer(D, R, padded_stride(R)),
        shape_{D, H, R},
        padded_(padded_stride(H)),
        state_(S, (std::max)(padded_, y_stride)) {
    require_sizes(data, {E::GX, E::GU, E::P, projects<E>}, D, H, R);
    const ColumnLayout<E::GX> input{H, D, widest_block};
    for (auto [matrix, size] : {std::pair{&input_, input.size()},
                                {&recurrent_, recurrent_size},
                                {&bias_, E::GX * padded_},
                                {&recurrent_bias_, E::GU * padded_},
                                {&unit_, E::P * padded_},
                                {&projected_, E::GX * padded_ * stream_chunk}}) {
      matrix->resize(size, 1);
      matrix->setZero();
    }
    pack_gates(input, data.weight_ih, E::GX, 0, input_.data());
    pack_units(data.bias_ih, sums ? data.bias_hh : std::span<const float>{}, E::GX, H, padded_, bias_.data());
    if (!sums) pack_units(data.bias_hh, {}, E::GU, H, padded_, recurrent_bias_.data());
    pack_units(data.unit, {}, E::P, H, padded_, unit_.data());
    for (std::size_t s = 0; s < std::size_t(S); ++s)
      pack_units(data.initial[s], {}, 1, s == 0 ? R : H, padded_, state_.initial(s));
    state_.reset();
  }
  std::array<float*, static_cast<std::size_t>(S)> fields() {
    std::array<float*, static_cast<std::size_t>(S)> all;
    for (std::size_t s = 0; s < std::size_t(S); ++s) all[s] = state_.field(s);
    return all;
  }
};

template <class E> struct RunDynamicRecurrent {
  using Steps = StreamSteps<E, stream::Accurate, DynamicShape>;
  template <class Isa>
  static UNROLL_INLINE void run(DynamicShape shape, StreamWeights<float> w, typename Steps::Fields fields,
                                bool* backwards, const float* x, Index x_stride, float* y, Index n, float* projected) {
    Steps::template run<Isa>(shape, w, fields, *backwards, x, x_stride, y, n, projected);
  }
};
/// Of a pointwise cell.
template <class E> class DynamicRecurrent final : public DynamicCell<E> {
  using Base = DynamicCell<E>;

 public:
  DynamicRecurrent(const typename Base::Data& data, Index D, Index H)
      : Base(data, D, H, H, ColumnLayout<E::GU>{H, H, widest_block}.size(), E::same_ports) {
    pack_gates(ColumnLayout<E::GU>{H, H, widest_block}, data.weight_hh, E::GU, 0, this->recurrent_.data());
  }
  void run(const float* x, Index x_stride, float* y, Index n) noexcept override {
    const StreamWeights<float> w{this->input_.data(), this->bias_.data(), this->recurrent_.data(),
                                 this->recurrent_bias_.data(), this->unit_.data()};
    for (Index t = 0; t < n; t += stream_chunk)
      dispatch_stream<RunDynamicRecurrent<E>>(this->shape_, w, this->fields(), &backwards_, x + t * x_stride, x_stride,
                                              y + t * this->y_stride, (std::min)(stream_chunk, n - t),
                                              this->projected_.data());
  }

 private:
  bool backwards_ = false;
};

template <class E> struct RunDynamicStaged {
  using Steps = StagedStreamSteps<E, stream::Accurate, DynamicShape>;
  template <class Isa>
  static UNROLL_INLINE void run(DynamicShape shape, StagedStreamWeights<E> w, typename Steps::Fields fields,
                                const float* x, Index x_stride, float* y, Index n, float* projected, float* between) {
    Steps::template run<Isa>(shape, w, fields, x, x_stride, y, n, projected, between);
  }
};
/// Of a cell in stages.
template <class E> class DynamicStaged final : public DynamicCell<E> {
  using Base = DynamicCell<E>;
  using Plan = StagedStreamPlan<E>;

 public:
  DynamicStaged(const typename Base::Data& data, Index D, Index H, Index R)
      : Base(data, D, H, R, E::GU * padded_stride(H) * R + projection(H, R).size(), false),
        between_(Plan::room(this->padded_, this->y_stride), 1),
        no_bias_(this->y_stride, 1) {
    between_.setZero();
    no_bias_.setZero();
    pack_products(data, std::make_index_sequence<Plan::groups>());
  }
  void run(const float* x, Index x_stride, float* y, Index n) noexcept override {
    const StagedStreamWeights<E> w{this->input_.data(), this->bias_.data(), this->recurrent_bias_.data(),
                                   this->unit_.data(),  no_bias_.data(),    products_};
    for (Index t = 0; t < n; t += stream_chunk)
      dispatch_stream<RunDynamicStaged<E>>(this->shape_, w, this->fields(), x + t * x_stride, x_stride,
                                           y + t * this->y_stride, (std::min)(stream_chunk, n - t),
                                           this->projected_.data(), between_.data());
  }

 private:
  static DenseLayout projection(Index H, Index R) { return {E::projects ? H : 0, E::projects ? R : 0, widest_block}; }
  template <std::size_t... G> void pack_products(const typename Base::Data& data, std::index_sequence<G...>) {
    (pack_group<static_cast<int>(G)>(data), ...);
  }
  template <int G> void pack_group(const typename Base::Data& data) {
    constexpr ProductGroup group = Plan::group(G);
    const auto [D, H, R] = this->shape_;
    float* to = this->recurrent_.data() + (group.projects ? E::GU : group.first) * this->padded_ * R;
    if constexpr (group.projects)
      pack_dense(projection(H, R), data.projection, to);
    else
      pack_gates(ColumnLayout<group.gates>{H, R, widest_block}, data.weight_hh, E::GU, group.first, to);
    products_[G] = to;
  }

  Matrix<float> between_, no_bias_;
  std::array<const float*, Plan::groups> products_{};
};

struct RunDynamicDense {
  template <class Isa>
  static UNROLL_INLINE void run(DynamicShape shape, const float* weights, const float* bias, const float* x,
                                Index x_stride, float* y, Index y_stride, Index n) {
    StreamDense<float, DynamicShape>::run<Isa>(shape, weights, bias, x, x_stride, y, y_stride, n);
  }
};
class DynamicDense final : public DynamicLayer {
 public:
  DynamicDense(std::span<const float> weight, std::span<const float> bias, Index D, Index O)
      : DynamicLayer(D, O, padded_stride(O)), bias_(y_stride, 1) {
    require_size("Dense", "weight", weight, O * D);
    if (!bias.empty()) require_size("Dense", "bias", bias, O);
    const DenseLayout layout{D, O, widest_block};
    weight_.resize(layout.size(), 1);
    weight_.setZero();
    bias_.setZero();
    pack_dense(layout, weight, weight_.data());
    std::copy(bias.begin(), bias.end(), bias_.data());
  }
  void run(const float* x, Index x_stride, float* y, Index n) noexcept override {
    dispatch_stream<RunDynamicDense>(DynamicShape{inputs, outputs}, weight_.data(), bias_.data(), x, x_stride, y,
                                     y_stride, n);
  }

 private:
  Matrix<float> weight_, bias_;
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
