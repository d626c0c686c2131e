// A model whose file decides what it is, to ask and to train on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include <unroll/io/model_file.hpp>
#include <unroll/layer/any_sequential.hpp>
#include <unroll/network/model_of.hpp>
#include <unroll/text/tokenizer.hpp>

namespace unroll::inline UNROLL_ABI {

/// What `load_any` found. Its layers are those of the file in a row, so that parameters are named by their places
/// there: a Stack of the model that was saved is open, and a Dropout, which does nothing when a model is asked, is left
/// out.
struct LoadedAny {
  /// One that gives a vector for every step, or one for every sequence: `std::visit([](auto& model) { .. }, model)` has
  /// it with its type, for `fit`, `infer` of a data set and all else that a model is for.
  std::variant<AnySequential<>, AnySequential<Matrix<>>> model;
  ModelInfo
      info;  ///< vocabulary, labels and what else the file says; of a file that `save` did not write its name alone

  UNROLL_API bool takes_tokens() const;
  /// Whether it gives one vector for the whole sequence.
  bool has_final_state() const { return model.index() == 1; }

  /// The outputs for one sequence as they are, (K, T) or, with a final state, (K, 1): of token ids, of a text (by the
  /// file's vocabulary), or of values (D, T). Throws std::invalid_argument for what the model does not take, and for a
  /// text where the file has no vocabulary. A forward pass, whose memory is made anew: of many sequences see `model`.
  UNROLL_API Matrix<float> infer(std::span<const std::int32_t> ids) const;
  UNROLL_API Matrix<float> infer(std::string_view text) const;
  UNROLL_API Matrix<float> infer(const Matrix<float>& x) const;
  /// The same as probabilities, of a classifier or tagger: one row is a sigmoid, several are a softmax of each column.
  UNROLL_API Matrix<float> predict(std::span<const std::int32_t> ids) const;
  UNROLL_API Matrix<float> predict(std::string_view text) const;
  UNROLL_API Matrix<float> predict(const Matrix<float>& x) const;
};

namespace detail {
UNROLL_API LoadedAny load_any(std::vector<std::byte> bytes, const std::string& source,
                              const std::vector<Tokenizer>& known, KindTable kinds, MakeFormed<float> make);
UNROLL_API LoadedAny load_any(const std::filesystem::path& path, const std::vector<Tokenizer>& known, KindTable kinds,
                              MakeFormed<float> make);
}  // namespace detail

/// The model in a file that says what it is, in float: one that `save` wrote, of layers that have kinds
/// (docs/kinds.md), or another that `load_network` reads and that has no skip or gains. Sizes are bounded by the file's
/// bytes, and its test vector has been run. Throws FormatError with the file's name, the place, what was got and
/// expected. `known` are tokenizers of the user's own that the file may name. With kinds of one's own:
/// `load_any<Kinds<LibraryKinds, MyKind>>(path)`, which needs <unroll/network/trained_kinds.hpp>.
template <class List = LibraryKinds>
LoadedAny load_any(const std::filesystem::path& path, const std::vector<Tokenizer>& known = {}) {
  if constexpr (std::is_same_v<List, LibraryKinds>)
    return detail::load_any(path, known, library_kinds(), detail::maker_of<List, float>());
  else
    return detail::load_any(path, known, kind_table<List>(), detail::maker_of<List, float>());
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/load_any.ipp>
#endif
