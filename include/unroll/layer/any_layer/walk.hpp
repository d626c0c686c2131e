// Several objects whose types are known at run time, walked over side by side.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <unroll/core/function_ref.hpp>
#include <unroll/core/parameter.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// A parameter or a table of an object that somebody else owns.
template <class T> struct ErasedParameter {
  Parameter<T>* value = nullptr;
  bool is_table = false;

  /// As `Of`, const or not, has it.
  template <class Of> auto& parameter() const {
    return static_cast<std::conditional_t<std::is_const_v<Of>, const Parameter<T>, Parameter<T>>&>(*value);
  }
  template <class Of> auto& table() const {
    return static_cast<std::conditional_t<std::is_const_v<Of>, const Table<T>, Table<T>>&>(*value);
  }
};
/// What is told each thing of an object, in its order, and what tells them.
template <class Item> using EachOf = FunctionRef<const Path&, const Item&>;
template <class Item> using WalkOver = FunctionRef<const Path&, const EachOf<Item>&>;

/// Hands the parameters that a layer visits to `each`, absent ones too. No lambda, so that a layer is compiled for it
/// once.
template <class T> struct VisitErased {
  const EachOf<ErasedParameter<T>>& each;
  void operator()(const Path& path, Parameter<T>& p) const { each(path, {&p, false}); }
  void operator()(const Path& path, Table<T>& p) const { each(path, {&p, true}); }
};

inline constexpr Index walked_at_once = 16;

/// The things of one object from the n-th on, as many as there is room for.
template <class Item> struct WalkWindow {
  std::array<Item, static_cast<std::size_t>(walked_at_once)> items{};
  Index count = 0;  ///< of all things

  void read(const WalkOver<Item>& walk, Index first) {
    count = 0;
    const auto take = [&](const Path&, const Item& item) {
      if (count >= first && count < first + walked_at_once) items[static_cast<std::size_t>(count - first)] = item;
      ++count;
    };
    const Path root;
    walk(root, take);
  }
};

/// run(who, f, at, walks...): f(path, item of the first, the item of the same place of each other), `at` being where
/// the first stands. Throws where one has another number of them. In windows, because objects can be walked only one
/// after the other, and a training step allocates nothing.
template <class First, class... Items> struct WalkTogether {
  static void run(std::string_view who, FunctionRef<const Path&, const First&, const Items&...> f, const Path& at,
                  const WalkOver<First>& first, const WalkOver<Items>&... others) {
    WalkWindow<First> counted;
    counted.read(first, 0);
    for (Index begin = 0; begin == 0 || begin < counted.count; begin += walked_at_once) {
      std::tuple<WalkWindow<Items>...> windows;
      std::apply([&](auto&... window) { (window.read(others, begin), ...); }, windows);
      std::apply([&](const auto&... window) { (check(who, counted.count, window.count), ...); }, windows);
      Index k = 0;
      const auto each = [&](const Path& path, const First& item) {
        const auto place = static_cast<std::size_t>(k - begin);
        if (k >= begin && k < begin + walked_at_once)
          std::apply([&](const auto&... window) { f(path, item, window.items[place]...); }, windows);
        ++k;
      };
      first(at, each);
    }
  }

 private:
  static void check(std::string_view who, Index first, Index other) {
    if (first != other)
      fail(who, ": two of different layers are visited together, of ", first, " and ", other, " parts");
  }
};
template <class Item> struct WalkTogether<Item> {
  static void run(std::string_view, FunctionRef<const Path&, const Item&> f, const Path& at,
                  const WalkOver<Item>& walk) {
    walk(at, f);
  }
};

}  // namespace unroll::inline UNROLL_ABI::detail
