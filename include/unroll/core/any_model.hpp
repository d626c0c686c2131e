// A model and its parameters without their types.
#pragma once

#include <concepts>
#include <type_traits>

#include <unroll/core/function_ref.hpp>
#include <unroll/core/parameter.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// A parameter or a table, of floats or of doubles, which somebody else owns. Of a const model it is only read.
class AnyParameter {
 public:
  AnyParameter(const Parameter<float>& p) : floats_(const_cast<Parameter<float>*>(&p)) {}
  AnyParameter(const Parameter<double>& p) : doubles_(const_cast<Parameter<double>*>(&p)) {}

  Index rows() const { return floats_ != nullptr ? floats_->rows() : doubles_->rows(); }
  Index cols() const { return floats_ != nullptr ? floats_->cols() : doubles_->cols(); }
  bool& trainable() const { return floats_ != nullptr ? floats_->trainable : doubles_->trainable; }
  /// The values of another one, of the same scalar.
  void assign(const AnyParameter& from) const {
    if (floats_ != nullptr)
      static_cast<Matrix<float>&>(*floats_) = *from.floats_;
    else
      static_cast<Matrix<double>&>(*doubles_) = *from.doubles_;
  }
  /// f(Parameter<float>&) or f(Parameter<double>&).
  template <class F> decltype(auto) with(const F& f) const { return floats_ != nullptr ? f(*floats_) : f(*doubles_); }

 private:
  Parameter<float>* floats_ = nullptr;
  Parameter<double>* doubles_ = nullptr;
};

/// What calls `visit` with a model that somebody else owns.
class AnyModel {
 public:
  using Each = FunctionRef<const Path&, const AnyParameter&>;

  template <Visitable M>
  explicit AnyModel(M& model)
      : model_(const_cast<std::remove_const_t<M>*>(&model)),
        visit_([](void* of, const Each& each) { unroll::visit(each, *static_cast<std::remove_const_t<M>*>(of)); }) {}

  void visit(const Each& each) const { visit_(model_, each); }

 private:
  void* model_;
  void (*visit_)(void*, const Each&);
};

/// A model that somebody else owns, all of whose parameters are of T, as a model of its own: what is written over
/// `visit` is compiled once for this one and serves all. Of a const model it is only read.
template <class T> class UNROLL_API ModelOf {
 public:
  using Scalar = T;

  template <class M> requires(has_scalar<M> && !std::same_as<std::remove_const_t<M>, ModelOf>)
  explicit ModelOf(M& model)
      : model_(const_cast<std::remove_const_t<M>*>(&model)), visit_([](void* of, const Visitor<T>& f) {
          using Model = std::remove_const_t<M>;
          Model::visit(f, Path{}, *static_cast<Model*>(of));
        }) {}

  template <class F> static void visit(const F& f, const Path&, ModelOf& self) { self.visit_(self.model_, f); }

 private:
  void* model_;
  void (*visit_)(void*, const Visitor<T>&);
};
/// Whether a model is worth handing over as a ModelOf.
template <class M> inline constexpr bool is_erasable = false;
template <class M> requires has_scalar<M>
inline constexpr bool is_erasable<M> = !std::same_as<M, ModelOf<typename M::Scalar>>;

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
