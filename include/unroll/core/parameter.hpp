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

  void touch(Index column) {
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
  /// Throws where somebody has given the table another size since a column was touched.
  void check_marks() const {
    require(marked.empty() ? touched.empty() : static_cast<Index>(marked.size()) == this->cols(), "Table: marks of ",
            marked.size(), " columns, expected ", this->cols());
  }
};

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

  std::string str() const {
    std::string text, end;
    write(text, end);
    return text + end;
  }

 private:
  void write(std::string& text, std::string& end) const {
    if (parent != nullptr) parent->write(text, end);
    if (!name.empty() || number >= 0) {
      if (!text.empty()) text += '.';
      detail::append(text, name);
      if (number >= 0) detail::append(text, number);
    }
    if (layer_number >= 0) {
      end += "_l";
      detail::append(end, layer_number);
    }
    end += suffix;
  }
};

namespace detail {
template <class M> inline constexpr bool has_scalar = requires { typename M::Scalar; };

/// The caller of `visit` without its type: a model's traversal is compiled once for all of them. A is one of the
/// visited objects, const or not, whose parameters are all of its Scalar.
template <class... A> class Visitor {
  template <class B, template <class> class P>
  using Of = std::conditional_t<std::is_const_v<B>, const P<typename B::Scalar>, P<typename B::Scalar>>;
  template <template <class> class P> using Call = void (*)(void*, const Path&, Of<A, P>&...);

 public:
  template <class F> requires(!std::same_as<F, Visitor>)
  explicit Visitor(F& f)
      : f_(const_cast<void*>(static_cast<const void*>(&f))), parameter_(call<F, Parameter>), table_(call<F, Table>) {}

  void operator()(const Path& path, Of<A, Parameter>&... p) const { parameter_(f_, path, p...); }
  void operator()(const Path& path, Of<A, Table>&... p) const { table_(f_, path, p...); }

 private:
  template <class F, template <class> class P> static void call(void* f, const Path& path, Of<A, P>&... p) {
    if (size_of_first(p...) > 0) (*static_cast<F*>(f))(path, p...);
  }
  static Index size_of_first(const auto& first, const auto&...) { return first.size(); }

  void* f_;
  Call<Parameter> parameter_;
  Call<Table> table_;
};
}  // namespace detail

/// Calls f(path, parameter of a, the same parameter of b, ...) for every parameter that `a` has. The objects may differ
/// in constness and scalar type. Each layer says once what its parameters are, in a static member
/// `visit(f, const Path& at, self...)`; count, zero, clip, optimize, freeze, save, load and compare are written over
/// this.
template <class F, class A, class... Others> void visit(F&& f, A& a, Others&... others) {
  if constexpr (detail::has_scalar<A> && (detail::has_scalar<Others> && ...)) {
    const detail::Visitor<A, Others...> visitor(f);
    std::remove_const_t<A>::visit(visitor, Path{}, a, others...);
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
