// What a model is made of: parameters, their names, and the one traversal that everything else is written over.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>

namespace unroll::inline UNROLL_ABI {

/// What a parameter is, for those who treat kinds differently (weight decay, summaries).
enum class Kind { weight, bias, table, unit, state };

/// A parameter: a matrix, or a vector as (n, 1). One that is not trainable gets no gradient and no update; one of size
/// 0 is absent (a bias that an option leaves out) and is never visited.
template <class T = float> struct Parameter : Matrix<T> {
  bool trainable = true;

  using Matrix<T>::Matrix;
  using Matrix<T>::operator=;
};

/// A parameter (D, V) of which a batch touches few columns: an embedding. As a gradient it is zero outside `touched`,
/// so that zeroing, norm, clipping and scattering cost those columns alone.
template <class T = float> struct Table : Parameter<T> {
  std::vector<Index> touched;        ///< in the order of first touch
  std::vector<std::uint8_t> marked;  ///< (V) once anything was touched

  using Parameter<T>::Parameter;
  using Parameter<T>::operator=;

  UNROLL_API void touch(Index column);
  /// Throws where somebody has given the table another size since a column was touched.
  UNROLL_API void check_marks() const;
};

template <class T> void Table<T>::touch(Index column) {
  require(column >= 0 && column < this->cols(), "Table: column ", column, ", expected 0 to ", this->cols() - 1);
  if (marked.empty()) {
    marked.assign(static_cast<std::size_t>(this->cols()), 0);
    touched.reserve(marked.size());
  }
  check_marks();
  if (auto& mark = marked[static_cast<std::size_t>(column)]; mark == 0) {
    mark = 1;
    touched.push_back(column);
  }
}
template <class T> void Table<T>::check_marks() const {
  require(marked.empty() ? touched.empty() : static_cast<Index>(marked.size()) == this->cols(), "Table: marks of ",
          marked.size(), " columns, expected ", this->cols());
}

#define UNROLL_TABLE_INSTANCES(DECLARE)           \
  DECLARE void Table<float>::touch(Index);        \
  DECLARE void Table<double>::touch(Index);       \
  DECLARE void Table<float>::check_marks() const; \
  DECLARE void Table<double>::check_marks() const;
#if !UNROLL_HEADER_ONLY
UNROLL_TABLE_INSTANCES(extern template)
#endif

template <class P> inline constexpr bool is_table = requires(P& p) { p.touched; };

/// Where a parameter stands, as a chain on the stack that becomes text only on demand: an optimizer step must not build
/// strings. Suffixes exist because PyTorch numbers layers and directions behind the leaf: `1.weight_ih_l0_reverse`.
struct Path {
  const Path* parent = nullptr;
  std::string_view name{}, suffix{};
  Index number = -1, layer_number = -1;  ///< a name or a suffix that is counted
  Kind kind = Kind::weight;
  bool numbered = false;  ///< somebody above has given the layer its `_l0`

  /// A part with a name, or the k-th of several. A path points to the one it is made from, which therefore needs a name
  /// of its own: `const Path part = at / 1, layer = part.layer(0)`; chains do not compile.
  Path operator/(std::string_view child) const& { return {.parent = this, .name = child, .numbered = numbered}; }
  Path operator/(Index k) const& { return {.parent = this, .number = k, .numbered = numbered}; }
  /// A parameter.
  Path leaf(std::string_view child, Kind of) const& {
    return {.parent = this, .name = child, .kind = of, .numbered = numbered};
  }
  Path with_suffix(std::string_view s) const& { return {.parent = this, .suffix = s, .numbered = numbered}; }
  /// `_l<k>` behind every leaf below; the outermost call decides.
  Path layer(Index k) const& { return {.parent = this, .layer_number = numbered ? -1 : k, .numbered = true}; }

  Path operator/(std::string_view) const&& = delete;
  Path operator/(Index) const&& = delete;
  Path leaf(std::string_view, Kind) const&& = delete;
  Path with_suffix(std::string_view) const&& = delete;
  Path layer(Index) const&& = delete;

  UNROLL_API std::string str() const;

 private:
  void write(std::string& text, std::string& end) const;
};

namespace detail {
template <class M> inline constexpr bool has_scalar = requires { typename M::Scalar; };

/// The caller of `visit` without its type: a model's traversal is compiled once for all of them. S are the scalars of
/// the visited objects, all of whose parameters are of it. The traversal is the same for objects that are const, as
/// those of F's arguments are that are made for a `const S`.
template <class... S> class Visitor {
  template <class A, template <class> class P>
  using Of = std::conditional_t<std::is_const_v<A>, const P<std::remove_const_t<A>>, P<std::remove_const_t<A>>>;
  template <template <class> class P> using Call = void (*)(void*, const Path&, P<S>&...);

 public:
  template <class... A, class F> static Visitor to(F& f) {
    return Visitor(const_cast<void*>(static_cast<const void*>(&f)), call<F, Parameter, A...>, call<F, Table, A...>);
  }

  void operator()(const Path& path, Parameter<S>&... p) const { parameter_(f_, path, p...); }
  void operator()(const Path& path, Table<S>&... p) const { table_(f_, path, p...); }

 private:
  Visitor(void* f, Call<Parameter> parameter, Call<Table> table) : f_(f), parameter_(parameter), table_(table) {}
  template <class F, template <class> class P, class... A> static void call(void* f, const Path& path, P<S>&... p) {
    if (size_of_first(p...) > 0) (*static_cast<F*>(f))(path, static_cast<Of<A, P>&>(p)...);
  }
  static Index size_of_first(const auto& first, const auto&...) { return first.size(); }

  void* f_;
  Call<Parameter> parameter_;
  Call<Table> table_;
};
template <class M>
using ScalarIn = std::conditional_t<std::is_const_v<M>, const typename M::Scalar, typename M::Scalar>;
}  // namespace detail

/// Calls f(path, parameter of a, the same parameter of b, ...) for every parameter that `a` has. The objects may differ
/// in constness and scalar type. Each layer says once what its parameters are, in a static member
/// `visit(f, const Path& at, self...)`; count, zero, clip, optimize, freeze, save, load and compare are written over
/// this.
template <class F, class A, class... Others> void visit(F&& f, A& a, Others&... others) {
  if constexpr (detail::has_scalar<A> && (detail::has_scalar<Others> && ...)) {
    using Visitor = detail::Visitor<typename A::Scalar, typename Others::Scalar...>;
    const auto visitor = Visitor::template to<detail::ScalarIn<A>, detail::ScalarIn<Others>...>(f);
    std::remove_const_t<A>::visit(visitor, Path{}, const_cast<std::remove_const_t<A>&>(a),
                                  const_cast<std::remove_const_t<Others>&>(others)...);
  } else {
    const auto present = [&f](const Path& path, auto& first, auto&... rest) {
      if (first.size() > 0) f(path, first, rest...);
    };
    std::remove_const_t<A>::visit(present, Path{}, a, others...);
  }
}

template <class M>
concept Visitable = requires(M& m) { std::remove_const_t<M>::visit([](const Path&, auto&) {}, Path{}, m); };

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/core/parameter.ipp>
#endif
