// What a model whose wiring is code has called in one batch, so that backward can go through it again from the last
// call to the first.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <unroll/core/type_id.hpp>
#include <unroll/layer/node.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Where a part stands: its name in its composite or its number in a list, which of the parts there it is, and the
/// entry of that composite or list.
struct PartPlace {
  std::string_view name{};
  Index number = -1, place = 0;
  std::ptrdiff_t parent = -1;
};
/// What is done with parts of a type and their states; without a state null, but for the first.
struct PartKind {
  bool (*trainable)(const void* part);
  void (*copy)(void* to, const void* from);
  void (*set_zero)(void* zero, const void* like);
  void (*add)(void* slot, const void* gradient);
};
/// A part of a model, at whatever depth: where it is, in the model and in the gradient, and how often it was called.
struct PartEntry : PartPlace {
  const void* self;
  TypeId type;
  const PartKind* kind;  ///< null for a list or a composite
  void* gradient = nullptr;
  bool trainable = false;
  std::uint64_t calls = 0;
  const void* y = nullptr;  ///< what the last call gave
  TypeId y_type = TypeId::of<Nothing>();
  Reader of_last_call = {};
  // States at the border of the batch, all of the part's State.
  const void* start = nullptr;  ///< the first call starts from it
  void* end = nullptr;          ///< where what the last call leaves is wanted
  const void* last = nullptr;   ///< what the last call has left
  void* d_last = nullptr;       ///< Slot<State> of the last call
  const void* d_end = nullptr;  ///< the gradient of `end`
  void* d_start = nullptr;      ///< where the gradient of `start` is wanted
  bool has_d_start = false;

  PartEntry(const PartPlace& at, const void* of, TypeId its, const PartKind* what)
      : PartPlace(at), self(of), type(its), kind(what) {}
};
/// What a walk over a model's parts, or over its gradient's, writes: the entries of the first walk, and what is
/// different in the second.
class PartList {
 public:
  PartList(std::vector<PartEntry>& entries, bool of_gradient) : entries_(entries), of_gradient_(of_gradient) {}
  /// The number of its entry.
  UNROLL_API std::ptrdiff_t add(const PartPlace& at, void* part, TypeId type, const PartKind* kind = nullptr,
                                const void* state_in = nullptr, void* state_out = nullptr);

 private:
  std::vector<PartEntry>& entries_;
  bool of_gradient_;
  std::size_t next_ = 0;
};

/// What a call is, for whoever looks for the wiring behind it. Values are told by their addresses.
struct CallForm {
  std::ptrdiff_t part = -1;           ///< the number of the part's entry; -1 of a function
  std::string_view function{};        ///< its name
  std::vector<double> numbers{};      ///< its options
  std::vector<const void*> inputs{};  ///< what it reads
  const void* output = nullptr;
  const void* state = nullptr;  ///< what the part ends with, where it has a state
  bool is_started = false;      ///< from a state that another call gave
  bool borrows = false;         ///< reads the part's parameters for an operation of its own
};

class Call {
 public:
  virtual ~Call() = default;
  virtual CallForm form() const = 0;
  /// In inference: of what it gave.
  const Reader& reader() const { return reader_; }
  bool is_read() const { return reader_.use_count() > 1; }
  /// In the order of the forward pass: whose gradient is wanted?
  virtual void plan() = 0;
  virtual void backward() = 0;
  /// Is no reader of its inputs any more.
  virtual void forget() = 0;
  /// The number of the part's entry; -1 of a function.
  virtual std::ptrdiff_t part() const { return -1; }

 private:
  Reader reader_ = std::make_shared<char>();
};
}  // namespace detail

/// A model's calls. Each is kept by its part and occurrence and used again by the next batch, so that loops of changing
/// length need no new memory. Where no backward pass will follow a call is used again as soon as nobody reads what it
/// gave: a loop of any length takes as many as have something to say to the next turn.
class Tape {
 public:
  std::vector<detail::PartEntry> parts;

  Tape() = default;
  Tape(Tape&&) = delete;  // nodes point to it
  ~Tape() { forget(); }

  UNROLL_API void start(const Context& context);
  /// This pass goes on where another ended: the first call of a part starts from the state that is carried in, whatever
  /// `from` says. Where nothing is kept; `start` ends it.
  void go_on() { goes_on_ = true; }
  bool goes_on() const { return goes_on_; }
  const Context& context() const { return context_; }
  /// Whether all calls of this pass are kept, for a backward pass.
  bool keeps() const { return keeps_; }
  /// Calls that there is memory for.
  UNROLL_API std::size_t size() const;
  /// Those of the last pass, if it kept them, in their order.
  const std::vector<detail::Call*>& calls() const { return calls_; }
  detail::Reader reader_of(const detail::Call& call) const { return keeps_ ? nullptr : call.reader(); }
  /// The part at this place; null where there is none.
  UNROLL_API detail::PartEntry* find(const void* self, TypeId type);
  /// `pool.hidden`: the path of an entry below the one whose number is `own`.
  UNROLL_API std::string path_of(std::ptrdiff_t entry, std::ptrdiff_t own) const;
  /// What the next call of a part gets, within the composite that has the entry `own` and the context `of`.
  UNROLL_API Context context_of(const detail::PartEntry& entry, std::ptrdiff_t own, const Context& of) const;
  /// What the next function that draws random numbers gets: another key in each call of a pass.
  UNROLL_API Context context_of_function();

  /// The next record of type C for a part (or, -1, for a function).
  template <class C> C& next(std::ptrdiff_t part) {
    Kept& kept = kept_of(part, TypeId::of<C>());
    if (!keeps_) kept.used = kept.first_unread();
    if (kept.used == kept.calls.size()) kept.calls.push_back(std::make_unique<C>());
    detail::Call* const call = kept.calls[kept.used++].get();
    if (keeps_) calls_.push_back(call);
    return static_cast<C&>(*call);
  }

  /// After the forward pass: the final states to where they are wanted.
  UNROLL_API void take_states() const;
  UNROLL_API void plan() const;
  /// The gradients of the final states are added, those of the first go to where they are wanted.
  UNROLL_API void backward() const;

 private:
  struct Kept {
    std::ptrdiff_t part;
    TypeId type;
    std::vector<std::unique_ptr<detail::Call>> calls;
    std::size_t used = 0;
    UNROLL_API std::size_t first_unread() const;
  };
  UNROLL_API void forget();
  UNROLL_API Kept& kept_of(std::ptrdiff_t part, TypeId type);

  std::vector<Kept> kept_;
  std::vector<detail::Call*> calls_;
  Context context_;
  std::uint64_t drawing_functions_ = 0;
  std::size_t next_part_ = 0, next_kept_ = 0;
  bool keeps_ = true, goes_on_ = false;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/layer/tape.ipp>
#endif
