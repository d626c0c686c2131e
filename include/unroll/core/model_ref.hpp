// A model that somebody else owns, without its type. What is done with its parameters is compiled once, and not for
// each model: over `ModelRef` where each parameter may be of another type, over `ErasedModel<T>` where all are of T.
// Of a const model they only read.
#pragma once

#include <concepts>
#include <type_traits>

#include <unroll/core/function_ref.hpp>
#include <unroll/core/parameter.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// A parameter or a table, of floats or of doubles.
class ParameterRef {
 public:
  ParameterRef(const Parameter<float>& p) : floats_(const_cast<Parameter<float>*>(&p)) {}
  ParameterRef(const Parameter<double>& p) : doubles_(const_cast<Parameter<double>*>(&p)) {}

  /// f(Parameter<float>&) or f(Parameter<double>&).
  template <class F> decltype(auto) with(const F& f) const { return floats_ != nullptr ? f(*floats_) : f(*doubles_); }

  Index rows() const {
    return with([](const auto& p) { return p.rows(); });
  }
  Index cols() const {
    return with([](const auto& p) { return p.cols(); });
  }
  bool& trainable() const {
    return with([](auto& p) -> bool& { return p.trainable; });
  }
  /// The values of another one, of the same scalar.
  void assign(const ParameterRef& from) const {
    if (floats_ != nullptr)
      static_cast<Matrix<float>&>(*floats_) = *from.floats_;
    else
      static_cast<Matrix<double>&>(*doubles_) = *from.doubles_;
  }

 private:
  Parameter<float>* floats_ = nullptr;
  Parameter<double>* doubles_ = nullptr;
};

/// Any model, for code that is no template: `model.visit([](const Path&, const ParameterRef&) { .. })`.
class ModelRef {
 public:
  using Each = FunctionRef<const Path&, const ParameterRef&>;

  template <Visitable M>
  explicit ModelRef(M& model)
      : model_(const_cast<std::remove_const_t<M>*>(&model)),
        visit_([](void* of, const Each& each) { unroll::visit(each, *static_cast<std::remove_const_t<M>*>(of)); }) {}

  void visit(const Each& each) const { visit_(model_, each); }

 private:
  void* model_;
  void (*visit_)(void*, const Each&);
};

/// A model of the scalar T, for templates over models: it is one itself, so that what is written over `visit` takes it,
/// and is compiled for it alone.
template <class T> class UNROLL_API ErasedModel {
 public:
  using Scalar = T;

  template <class M> requires(has_scalar<M> && !std::same_as<std::remove_const_t<M>, ErasedModel>)
  explicit ErasedModel(M& model)
      : model_(const_cast<std::remove_const_t<M>*>(&model)), visit_([](void* of, const Visitor<T>& f) {
          using Model = std::remove_const_t<M>;
          Model::visit(f, Path{}, *static_cast<Model*>(of));
        }) {}

  template <class F> static void visit(const F& f, const Path&, ErasedModel& self) { self.visit_(self.model_, f); }

 private:
  void* model_;
  void (*visit_)(void*, const Visitor<T>&);
};
/// Whether a model is worth handing over as an ErasedModel.
template <class M> inline constexpr bool is_erasable = false;
template <class M> requires has_scalar<M>
inline constexpr bool is_erasable<M> = !std::same_as<M, ErasedModel<typename M::Scalar>>;

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
