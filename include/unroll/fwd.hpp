// Names alone, for headers that hold a model by pointer or take one by reference: what a type costs is paid where it is
// used. Default arguments are where the types are: `Matrix<float>` here, `Matrix<>` there.
#pragma once

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

template <class T> class Matrix;
struct Packing;
template <class T> struct PackedSequence;
struct TokenBatch;
template <class T> struct Parameter;
template <class T> struct Table;
class Rng;
struct Context;
class FormatError;

template <class T> struct Rnn;
template <class T> struct ReluRnn;
template <class T> struct Lstm;
template <class T> struct Gru;
template <class T> struct GruResetBefore;
template <class T> struct CoupledGateLstm;
template <class T> struct IndRnn;
template <class T> struct LayerNormGru;
template <class T> struct LayerNormLstm;
template <class T> struct Lru;
template <class T> struct MinGru;
template <class T> struct MinLstm;
template <class T> struct MinimalGatedUnit;
template <class T> struct MogrifierLstm;
template <class T> struct PeepholeLstm;
template <class T> struct ProjectedLstm;
template <class T> struct SLstm;
template <class E> struct Derived;

struct RecurrentOptions;
template <class C> class Recurrent;
template <class C> class Bidirectional;
template <class Inner> class FinalState;
template <class Inner> class LastValue;
template <class Inner> class RevIn;
template <class T> class Embedding;
template <class C> class CharacterEmbedding;
template <class T> class Dense;
template <class T> class LayerNorm;
template <class T> class Elu;
template <class T> class PRelu;
template <class T> class Softmax;
template <class T> class Dropout;
template <class... Ls> class Sequential;
template <class... Ls> class Stack;
template <class T> class AnyLayer;
template <class T> class AnyStack;
template <class Y> class AnySequential;
template <class T> class Crf;
template <class T> class Ctc;
template <class T> class SoftmaxClassifier;

struct CrossEntropy;
struct BinaryCrossEntropy;
struct MeanSquaredError;
struct MeanAbsoluteError;
struct Huber;
struct Quantile;
struct GaussianNll;
struct StudentTNll;
struct HeadLoss;
struct Sgd;
struct RmsProp;
struct Adam;
struct AdamW;

class Tokenizer;
class Vocabulary;
class BytePairEncoding;
struct Padder;
struct LabelledTexts;
struct TaggedSentences;
class TokenDataset;
template <class T> class SequenceDataset;
template <class T> class SeriesWindows;
class Scaler;
struct DataTable;

class Run;
class Callback;
struct EpochLog;
struct Evaluation;
struct History;
template <class T> struct Prediction;

class SafeTensors;
struct Network;

namespace stream {
template <class... Ls> class Sequential;
template <class Model> class Stream;
class AnyModel;
}  // namespace stream

}  // namespace unroll::inline UNROLL_ABI
