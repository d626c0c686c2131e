// Callbacks: what is done between batches and epochs, and what it may see and change.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/model_ref.hpp>
#include <unroll/core/type_id.hpp>
#include <unroll/train/history.hpp>
#include <unroll/train/record.hpp>

namespace unroll::inline UNROLL_ABI {

/// A run of `fit`, as its callbacks see it.
class UNROLL_API Run {
 public:
  virtual ~Run() = default;

  virtual Index epoch() const = 0;        ///< the present one, from 1
  virtual Index epochs() const = 0;       ///< asked for
  virtual Index batch() const = 0;        ///< updates done in this epoch
  virtual Index batches() const = 0;      ///< updates this epoch has
  virtual Index sequences() const = 0;    ///< sequences this epoch has
  virtual std::int64_t step() const = 0;  ///< updates done in all epochs
  virtual bool has_validation() const = 0;
  virtual const History& history() const = 0;  ///< the epochs before this one
  virtual EpochLog& log() = 0;                 ///< this epoch so far; complete in on_epoch_end

  virtual double rate() const = 0;
  virtual void set_rate(double rate) = 0;
  /// Freezes or thaws parameters by path, see `freeze`. A thawed parameter starts its own count in the optimizer.
  virtual void freeze(std::string_view pattern) = 0;
  virtual void thaw(std::string_view pattern) = 0;
  /// A copy of all parameters by path, and back. Not virtual: a program that never asks does without the code.
  UNROLL_API Record weights() const;
  UNROLL_API void set_weights(const Record& weights);
  /// f(path, Parameter<T>&), of floats or of doubles, for every parameter itself: what is done after each update can
  /// afford no copies.
  template <class F> void visit(const F& f) {
    model_ref().visit([&](const Path& path, const detail::ParameterRef& any) {
      any.with([&]<class T>(Parameter<T>& p) { f(path, p); });
    });
  }
  template <class F> void visit(const F& f) const {
    model_ref().visit([&](const Path& path, const detail::ParameterRef& any) {
      any.with([&]<class T>(const Parameter<T>& p) { f(path, p); });
    });
  }
  /// Ends training after this batch or epoch; `why` goes into the history. A run that is stopped at the end of an epoch
  /// is done, and stays so when it is resumed; one stopped in mid-epoch was interrupted, and goes on.
  virtual void stop(std::string why) = 0;

  /// The model that is trained, and its optimizer. Throws for another type.
  template <class M> M& model() { return typed<M>("model", model_type(), model_address()); }
  template <class O> O& optimizer() { return typed<O>("optimizer", optimizer_type(), optimizer_address()); }

 private:
  virtual detail::ModelRef model_ref() const = 0;
  virtual TypeId model_type() const = 0;
  virtual void* model_address() = 0;
  virtual TypeId optimizer_type() const = 0;
  virtual void* optimizer_address() = 0;
  template <class X> static X& typed(const char* what, TypeId type, void* address) {
    require(type == TypeId::of<X>(), "Run::", what, ": this run's ", what, " is of another type");
    return *static_cast<X*>(address);
  }
};

namespace detail {
template <class C>
inline constexpr bool is_callback =
    std::invocable<C&, Run&> || requires(C& c, Run& run) { c.on_train_begin(run); } ||
    requires(C& c, Run& run) { c.on_updates_begin(run); } || requires(C& c, Run& run) { c.on_epoch_begin(run); } ||
    requires(C& c, Run& run) { c.on_batch_end(run); } || requires(C& c, Run& run) { c.on_updates_end(run); } ||
    requires(C& c, Run& run) { c.on_epoch_end(run); } || requires(C& c, Run& run) { c.on_train_end(run); };
}  // namespace detail

/// Any value with some of the members on_train_begin, on_updates_begin, on_epoch_begin, on_batch_end, on_updates_end,
/// on_epoch_end, on_train_end, each taking a Run&; a function taking a Run& is called at the end of every epoch.
/// on_updates_end comes after the last update of an epoch and before its validation, also where training ends in
/// mid-epoch: here the weights may be exchanged for those that are validated, saved and kept. on_updates_begin is where
/// they come back: before an epoch's on_epoch_begin, the last callback's first. One with a state that matters has
/// `void save(Record&) const` and `void load(const Record&)`, or `void load(const Record&, const Run&)`, for
/// checkpoints; a load throws (Record::check) for what cannot be. `fit` works on copies.
class Callback {
 public:
  template <class C> requires(!std::same_as<std::remove_cvref_t<C>, Callback>)
  Callback(C callback)  // NOLINT: implicit, callbacks stand in a list
      : of_(std::make_shared<Of<C>>(std::move(callback))) {
    if constexpr (requires(C& c) { bool(c == nullptr); })
      require(!bool(static_cast<Of<C>&>(*of_).c == nullptr), "Callback: the function is empty");
    constexpr bool is_callback = detail::is_callback<C>;
    static_assert(is_callback,
                  "unroll::Callback: this is neither a function taking a Run& nor has it one of the members "
                  "on_train_begin, on_updates_begin, on_epoch_begin, on_batch_end, on_updates_end, on_epoch_end, "
                  "on_train_end");
  }
  /// One of its own.
  Callback copy() const { return Callback(of().copy()); }

  void on_train_begin(Run& run) { of().train_begin(run); }
  void on_updates_begin(Run& run) { of().updates_begin(run); }
  void on_epoch_begin(Run& run) { of().epoch_begin(run); }
  void on_batch_end(Run& run) { of().batch_end(run); }
  void on_updates_end(Run& run) { of().updates_end(run); }
  void on_epoch_end(Run& run) { of().epoch_end(run); }
  void on_train_end(Run& run) { of().train_end(run); }
  void save(Record& record) const { of().save(record); }
  void load(const Record& record, const Run& run) { of().load(record, run); }

 private:
  struct UNROLL_API Interface {
    virtual ~Interface() = default;
    virtual std::shared_ptr<Interface> copy() const = 0;
    virtual void train_begin(Run&) = 0;
    virtual void updates_begin(Run&) = 0;
    virtual void epoch_begin(Run&) = 0;
    virtual void batch_end(Run&) = 0;
    virtual void updates_end(Run&) = 0;
    virtual void epoch_end(Run&) = 0;
    virtual void train_end(Run&) = 0;
    virtual void save(Record&) const = 0;
    virtual void load(const Record&, const Run&) = 0;
  };
  template <class C> struct Of final : Interface {
    explicit Of(C of) : c(std::move(of)) {}
    std::shared_ptr<Interface> copy() const override { return std::make_shared<Of>(c); }
    void train_begin(Run& run) override {
      if constexpr (requires { c.on_train_begin(run); }) c.on_train_begin(run);
    }
    void updates_begin(Run& run) override {
      if constexpr (requires { c.on_updates_begin(run); }) c.on_updates_begin(run);
    }
    void epoch_begin(Run& run) override {
      if constexpr (requires { c.on_epoch_begin(run); }) c.on_epoch_begin(run);
    }
    void batch_end(Run& run) override {
      if constexpr (requires { c.on_batch_end(run); }) c.on_batch_end(run);
    }
    void updates_end(Run& run) override {
      if constexpr (requires { c.on_updates_end(run); }) c.on_updates_end(run);
    }
    void epoch_end(Run& run) override {
      if constexpr (requires { c.on_epoch_end(run); })
        c.on_epoch_end(run);
      else if constexpr (std::invocable<C&, Run&>)
        std::invoke(c, run);
    }
    void train_end(Run& run) override {
      if constexpr (requires { c.on_train_end(run); }) c.on_train_end(run);
    }
    void save(Record& record) const override {
      if constexpr (requires { c.save(record); }) c.save(record);
    }
    void load(const Record& record, const Run& run) override {
      if constexpr (requires { c.load(record, run); })
        c.load(record, run);
      else if constexpr (requires { c.load(record); })
        c.load(record);
    }
    C c;
  };
  explicit Callback(std::shared_ptr<Interface> of) : of_(std::move(of)) {}
  Interface& of() const {
    require(of_ != nullptr, "Callback: used after it was moved from");
    return *of_;
  }

  std::shared_ptr<Interface> of_;
};

/// One callback or a list of them, which are called in their order: `.callbacks = EarlyStopping{}` and
/// `.callbacks = {stop, slower}`.
struct Callbacks : std::vector<Callback> {
  using std::vector<Callback>::vector;
  Callbacks() = default;
  Callbacks(std::vector<Callback> list) : std::vector<Callback>(std::move(list)) {}
  template <class C> requires(!std::derived_from<C, std::vector<Callback>>)
  Callbacks(C one) {  // NOLINT: implicit
    push_back(std::move(one));
  }
};

namespace detail {
/// The value a callback monitors. Throws where there is none.
UNROLL_API double monitored(const char* who, Run& run, std::string_view name);
UNROLL_API void check_monitor(const char* who, const Run& run, std::string_view name);
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/callback.ipp>
#endif
