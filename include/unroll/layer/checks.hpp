// What a layer asks of what it is given, and where in a model the one stands that was given something else.
#pragma once

#include <concepts>
#include <string>
#include <utility>

#include <unroll/core/function_ref.hpp>
#include <unroll/core/packed_sequence.hpp>
#include <unroll/core/parameters.hpp>

namespace unroll::inline UNROLL_ABI {

/// Throws unless `gradient` has the shapes of `layer` wherever something is trainable, and names the first that has
/// not. Asked by every backward before it adds to a gradient.
template <Visitable L> void check_gradient_shapes(std::string_view who, const L& layer, const L& gradient) {
  visit(
      [&](const Path& path, const auto& p, const auto& d) {
        if (!p.trainable) return;
        if (d.size() == 0)
          fail(who, ": the gradient of ", path.str(), " is empty, expected ", p.rows(), " x ", p.cols(),
               "; it was frozen when zeros_like made the gradient: make it anew");
        if (d.rows() != p.rows() || d.cols() != p.cols())
          fail(who, ": the gradient of ", path.str(), " is ", d.rows(), " x ", d.cols(), ", expected ", p.rows(), " x ",
               p.cols(), "; make it by zeros_like(model)");
      },
      layer, gradient);
}

namespace detail {

/// A layer's input has another number of features than the layer takes.
class WidthError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};
/// Asked of every input, forward and backward.
template <class T> void require_features(std::string_view who, const Matrix<T>& x, Index features) {
  require<WidthError>(x.rows() == features, who, ": input has ", x.rows(), " features, expected ", features);
}

/// Every backward asks this of the input, given the output that the forward pass left in the cache.
template <class X, class Y> void require_forward(std::string_view who, const X& x, const Y& y) {
  bool same = false;  // an output without rows is that of no forward pass
  if constexpr (requires { y.values; })
    same = y.values.rows() > 0 && x.packing == y.packing;
  else
    same = y.rows() > 0;
  if constexpr (requires { x.ids; })
    same = same && static_cast<Index>(x.ids.size()) == y.packing.total();
  else if constexpr (requires { x.values; })
    same = same && x.values.cols() == y.packing.total();
  else
    same = same && x.cols() == y.cols();
  require(same, who, ": backward without a forward pass of the same batch before it");
}
/// And this of the gradient of the output.
template <class T> void require_gradient(std::string_view who, const Matrix<T>& dy, Index rows, Index cols) {
  require(dy.rows() == rows && dy.cols() == cols, who, ": dy is ", dy.rows(), " x ", dy.cols(), ", expected ", rows,
          " x ", cols);
}
template <class T> void require_gradient(std::string_view who, const Matrix<T>& dy, const Matrix<T>& y) {
  require_gradient(who, dy, y.rows(), y.cols());
}
template <class T>
void require_gradient(std::string_view who, const PackedSequence<T>& dy, const PackedSequence<T>& y) {
  require_gradient(who, dy.values, y.values.rows(), y.values.cols());
  require(dy.packing == y.packing, who, ": dy has another packing than the output that it is the gradient of");
}

#if defined(__cpp_exceptions)
/// An error of a part of a model, with the part's place: `layer 1.0: Dense: input has ..`.
class PartError : public std::invalid_argument {
 public:
  PartError(const std::string& place, const std::string& reason, bool about_width)
      : std::invalid_argument(concat_text("layer ", place, ": ", reason)),
        place_(place),
        reason_(reason),
        about_width_(about_width) {}

  const std::string& place() const { return place_; }
  const std::string& reason() const { return reason_; }
  bool about_width() const { return about_width_; }  ///< and what gave the width is not named yet

 private:
  std::string place_, reason_;
  bool about_width_;
};
/// Within a handler of std::invalid_argument: the same with a place. add_source(reason) names what came before the part
/// if something did.
[[noreturn]] inline void rethrow_from_part(const Part& part, FunctionRef<std::string&> add_source) {
  const auto rethrow = [&](std::string place, std::string reason, bool about_width) {
    const std::size_t size = reason.size();
    if (about_width) add_source(reason);
    throw PartError(place, reason, about_width && reason.size() == size);
  };
  try {
    throw;
  } catch (const PartError& e) {
    rethrow(concat_text(part, ".", e.place()), e.reason(), e.about_width());
  } catch (const WidthError& e) {
    rethrow(concat_text(part), e.what(), true);
  } catch (const std::invalid_argument& e) {
    rethrow(concat_text(part), e.what(), false);
  }
  std::abort();
}
#endif

/// f() of a part of a model, a number or a name or what finds it: what it throws says which part. Costs nothing where
/// nothing is wrong.
template <class Place, class F, class Source>
decltype(auto) in_part(const Place& part, const F& f, const Source& add_source) {
#if defined(__cpp_exceptions)
  try {
    return f();
  } catch (const std::invalid_argument&) {
    if constexpr (std::invocable<const Place&>)
      rethrow_from_part(part(), add_source);
    else
      rethrow_from_part(part, add_source);
  }
#else
  static_cast<void>(part), static_cast<void>(add_source);
  return f();
#endif
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
