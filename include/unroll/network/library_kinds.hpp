// The kinds of layers that the library has: files name them, streams of any size run them. A new one is a line here.
#pragma once

#include <unroll/cell/cell_kind.hpp>
#include <unroll/cell/coupled_gate_lstm.hpp>
#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/ind_rnn.hpp>
#include <unroll/cell/layer_norm_gru.hpp>
#include <unroll/cell/layer_norm_lstm.hpp>
#include <unroll/cell/lru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/min_gru.hpp>
#include <unroll/cell/min_lstm.hpp>
#include <unroll/cell/minimal_gated_unit.hpp>
#include <unroll/cell/mogrifier_lstm.hpp>
#include <unroll/cell/peephole_lstm.hpp>
#include <unroll/cell/projected_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/cell/slstm.hpp>
#include <unroll/layer/activation.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/elu.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/layer_norm.hpp>
#include <unroll/layer/prelu.hpp>
#include <unroll/layer/softmax.hpp>

namespace unroll::inline UNROLL_ABI {

using RnnKind = RecurrentKind<Rnn<>>;
using ReluRnnKind = RecurrentKind<ReluRnn<>>;
using LstmKind = RecurrentKind<Lstm<>>;
using GruKind = RecurrentKind<Gru<>>;
using GruResetBeforeKind = RecurrentKind<GruResetBefore<>>;
using TanhKind = FunctionKind<detail::TanhFunction>;
using ReluKind = FunctionKind<detail::ReluFunction>;
using SigmoidKind = FunctionKind<detail::SigmoidFunction>;

struct LibraryKinds
    : Kinds<RnnKind, ReluRnnKind, LstmKind, GruKind, GruResetBeforeKind,  //
            RecurrentKind<PeepholeLstm<>>, RecurrentKind<LayerNormLstm<>>, RecurrentKind<LayerNormGru<>>,
            RecurrentKind<MinimalGatedUnit<>>, RecurrentKind<MinGru<>>, RecurrentKind<MinLstm<>>,
            RecurrentKind<CoupledGateLstm<>>, RecurrentKind<IndRnn<>>, RecurrentKind<SLstm<>>,
            RecurrentKind<MogrifierLstm<>>, RecurrentKind<Lru<>>, RecurrentKind<ProjectedLstm<>>, BidirectionalKind,
            EmbeddingKind, DenseKind, TanhKind, ReluKind, SigmoidKind, EluKind, PReluKind, SoftmaxKind, LayerNormKind> {
};

}  // namespace unroll::inline UNROLL_ABI
