// A layer as files hold it, whatever it is: its kind, its tensors by their names, its options, its parts.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <unroll/core/matrix.hpp>

namespace unroll::inline UNROLL_ABI {

struct LayerKind;

/// What a layer's option is: yes or no, a number, one of several words.
using LayerOption = std::variant<bool, double, std::string>;

/// A layer without its type: what readers make, writers take and streams of any size are made of. Its kind says which
/// tensors, options and parts there are (`describe_layer`); `validate` whether they fit.
struct LayerData {
  const LayerKind* kind = nullptr;                              ///< `&layer_kind<K>`
  std::map<std::string, Matrix<float>, std::less<>> tensors{};  ///< vectors as (n, 1); one of size 0 is absent
  std::map<std::string, LayerOption, std::less<>> options{};    ///< those that are not as usual
  std::vector<LayerData> parts{};                               ///< of a bidirectional layer: ahead, back

  /// The tensor, of size 0 where it is absent.
  UNROLL_API const Matrix<float>& tensor(std::string_view name) const;
  /// The option's value; `usual` where it is absent or something else.
  UNROLL_API bool flag(std::string_view name) const;
  UNROLL_API double number(std::string_view name, double usual) const;
  UNROLL_API std::string_view word(std::string_view name, std::string_view usual) const;
  UNROLL_API void set_zeros(std::string_view tensor, Index rows, Index cols);
  UNROLL_API void set_flag(std::string_view option, bool value);
  UNROLL_API void set_number(std::string_view option, double value);
  UNROLL_API void set_word(std::string_view option, std::string_view value);
  UNROLL_API void add_part(const LayerKind& of);
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/kind/layer_data.ipp>
#endif
