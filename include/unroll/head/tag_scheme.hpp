// Which tags may not follow each other: the grammar of IOB1, BIO, BILOU and IOBES.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI {

/// Labels that may not follow each other (`from`, `to`), begin a sequence or end one.
struct ForbiddenTransitions {
  std::vector<std::pair<Index, Index>> pairs{};
  std::vector<Index> starts{}, ends{};
};

/// How spans are written in tags such as `B-PER`. `iob1`: I, and B only where a span follows one of its kind. `bio`: B
/// begins every span, I goes on. `bilou`: L ends what B began, U is a span of one step; IOBES writes E and S for them.
enum class TagScheme { iob1, bio, bilou };

/// What a scheme forbids among labels of these names, each `O` or a letter, a hyphen and a kind. Throws for a name that
/// is no tag of the scheme.
UNROLL_API ForbiddenTransitions forbidden_by(TagScheme scheme, const std::vector<std::string>& names);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/head/tag_scheme.ipp>
#endif
