// What a kind of layer says of itself, once: readers, writers, checks and the tools' schema are written over it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/kind/layer_data.hpp>

namespace unroll::inline UNROLL_ABI {

/// `zeros` is optional, too: where it is absent it stands for zeros, and a model that has it takes those.
enum class Need : std::uint8_t { required, optional, zeros };

/// How a tensor stands in a file: (n), (rows, cols), or a table whose columns are the file's rows.
enum class TensorRank : std::uint8_t { vector, matrix, table };

struct TensorForm {
  std::string_view name;
  TensorRank rank;
  Index rows, cols;  ///< in memory
  Need need;
  std::string_view stored = name;  ///< its name in a model's file, if another
  std::string_view beside{};       ///< the tensor without which it may not be
};
struct OptionForm {
  std::string_view name;
  LayerOption usual;                          ///< its value where it is absent; says of which type it is
  double low = 0, high = 0;                   ///< of a number
  std::span<const std::string_view> words{};  ///< of a word
  Need need = Need::optional;
};

/// Filled by a kind's `describe` for one layer, or for an empty one: then all sizes are 0, the names are the same.
class Description {
 public:
  /// `before`: values that the layer before gives, 0 for the first.
  explicit Description(const LayerData& of, Index before = 0) : of_(of), before_(before) {}

  // What a kind asks.
  const LayerData& layer() const { return of_; }
  Index before() const { return before_; }
  Index rows(std::string_view tensor) const { return of_.tensor(tensor).rows(); }
  Index cols(std::string_view tensor) const { return of_.tensor(tensor).cols(); }

  /// V of one that takes tokens; its first tensor is their table.
  Index tokens() const { return takes_tokens ? cols(tensors.front().name) : 0; }

  // What it says.
  /// Values a step takes and gives.
  void widths(Index takes, Index gives) { inputs = takes, outputs = gives; }
  UNROLL_API void vector(std::string_view name, Index n, Need need = Need::required);
  UNROLL_API void matrix(std::string_view name, Index rows, Index cols, Need need = Need::required);
  UNROLL_API void table(std::string_view name, Index rows, Index cols);
  /// Of the last tensor.
  void stored_as(std::string_view name) { tensors.back().stored = name; }
  void only_beside(std::string_view name) { tensors.back().beside = name; }
  UNROLL_API void flag(std::string_view name);
  UNROLL_API void number(std::string_view name, double usual, double low, double high, Need need);
  UNROLL_API void word(std::string_view name, std::span<const std::string_view> words);
  UNROLL_API void part(std::string_view name);
  /// What only this kind can see; of several the first is said.
  template <class... Parts> void check(bool holds, const Parts&... what) {
    if (!holds && flaw.empty()) flaw = concat_text(what...);
  }

  std::vector<TensorForm> tensors{};  ///< in the order in which a model visits them
  std::vector<OptionForm> options{};
  std::vector<std::string_view> parts{};
  Index inputs = 0, outputs = 0;
  std::string_view output_noun = "outputs";
  bool takes_tokens = false;  ///< ids of columns of its table: the first layer, or none
  bool takes_any = false;     ///< as many values as come, and gives as many
  Index gates = 0;            ///< G of a recurrent layer: blocks of units in what the input feeds
  bool is_recurrent = false;  ///< takes whole sequences, has `reverse` and `final_state`
  std::string_view ending{};  ///< of its tensors' names in a model's file: PyTorch numbers layers there
  std::string flaw{};

 private:
  const LayerData& of_;
  Index before_;
};

namespace detail {
/// "concat, sum or product"
UNROLL_API std::string words_of(const OptionForm& form);
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/kind/description.ipp>
#endif
