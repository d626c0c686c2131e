// unroll: recurrent networks in C++, trained and run. This file is the list of what there is, and the notation.
//
//   T  time steps          B  sequences in a batch      N  valid steps of a batch together
//   D  input features      H  hidden units              V  size of the vocabulary
//   G  gates (GX fed by the input, GU by the state)     S  state fields, the first being the output h
//   x h c W U b   input, output, cell state, input weights, recurrent weights, bias; i f g o and r z n: gates
//   a  pre-activation      d..  gradient of the loss with respect to ..
//
// Matrices are column-major, a column is one sample at one time. LSTM gates are in the order i f g o, GRU gates r z n
// with the reset after the product. Files need <unroll/io/model_file.hpp>, exact resume <unroll/train/checkpoint.hpp>
// (both nlohmann/json), .gz readers <unroll/data/gzip.hpp> (zlib), streams of one sample after the other
// <unroll/stream/stream.hpp> and the layers beside it, a gradient check <unroll/testing/check_gradient.hpp>, byte pairs
// <unroll/text/byte_pair_encoding.hpp>, word vectors
// <unroll/data/word_vector_file.hpp> and <unroll/data/pretrained_embedding.hpp>, what a language model writes
// <unroll/train/generate.hpp> and <unroll/train/beam_search.hpp>, averages of weights
// <unroll/train/weight_average.hpp>, CTC <unroll/head/ctc.hpp> and its data <unroll/data/label_sequence_dataset.hpp>.
#pragma once

#include <unroll/cell/delay.hpp>
#include <unroll/cell/derived.hpp>
#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/layer_norm_gru.hpp>
#include <unroll/cell/layer_norm_lstm.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/minimal_gated_unit.hpp>
#include <unroll/cell/peephole_lstm.hpp>
#include <unroll/cell/projected_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/core/initialize.hpp>
#include <unroll/core/pack.hpp>
#include <unroll/core/parameters.hpp>
#include <unroll/data/batches.hpp>
#include <unroll/data/contiguous_batches.hpp>
#include <unroll/data/dataset.hpp>
#include <unroll/data/encode.hpp>
#include <unroll/data/pipe.hpp>
#include <unroll/data/readers.hpp>
#include <unroll/data/split.hpp>
#include <unroll/data/text_parts.hpp>
#include <unroll/data/token_files.hpp>
#include <unroll/layer/activation.hpp>
#include <unroll/layer/additive_attention.hpp>
#include <unroll/layer/any_sequential.hpp>
#include <unroll/layer/attention.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/composite.hpp>
#include <unroll/layer/composite_cell.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/elu.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/folded.hpp>
#include <unroll/layer/functions.hpp>
#include <unroll/layer/layer_norm.hpp>
#include <unroll/layer/options.hpp>
#include <unroll/layer/parallel.hpp>
#include <unroll/layer/prelu.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/residual.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/layer/softmax.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/layer/tied_output.hpp>
#include <unroll/loss/binary_cross_entropy.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/mean_squared_error.hpp>
#include <unroll/loss/next_token.hpp>
#include <unroll/metric/classification.hpp>
#include <unroll/metric/confusion_matrix.hpp>
#include <unroll/metric/ranking.hpp>
#include <unroll/metric/regression.hpp>
#include <unroll/metric/spans.hpp>
#include <unroll/optim/adam.hpp>
#include <unroll/optim/clip.hpp>
#include <unroll/optim/optimizer.hpp>
#include <unroll/optim/rms_prop.hpp>
#include <unroll/optim/schedule.hpp>
#include <unroll/optim/sgd.hpp>
#include <unroll/text/padder.hpp>
#include <unroll/text/tokenizer.hpp>
#include <unroll/text/vocabulary.hpp>
#include <unroll/train/fit.hpp>

// After the layers, so that errors of a layer name a short way to it.
#include <unroll/head/crf.hpp>
#include <unroll/head/head_loss.hpp>
#include <unroll/head/softmax_classifier.hpp>
#include <unroll/head/tag_scheme.hpp>
