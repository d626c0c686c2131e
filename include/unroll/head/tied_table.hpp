// The embedding of a model whose table a head uses as its weights.
#pragma once

#include <string_view>

#include <unroll/core/parameters.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// The table of `features` rows and `words` columns in a model or in its gradient, null where there is none. Throws
/// where there are two.
template <class P, class M> P* find_tied_table(std::string_view who, M& model, Index features, Index words) {
  P* found = nullptr;
  unroll::visit(
      [&](const Path& path, auto& p) {
        if constexpr (is_table<decltype(p)>)
          if (p.rows() == features && p.cols() == words) {
            require(found == nullptr, who, ": ", path.str(), " is a second embedding of ", words, " x ", features,
                    ", and the head is tied to one");
            found = &p;
          }
      },
      model);
  return found;
}

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
