// Which steps of a recurrent layer run together, and where the cache has their columns.
#pragma once

#include <algorithm>
#include <cstring>

#include <unroll/cell/cell.hpp>

namespace unroll::inline UNROLL_ABI {

/// The times [begin, end) of a batch, one step after the other, in a window of the cache: the whole batch, unless
/// `RecurrentOptions::recompute_every` asks for less. Column n of the batch is column n - base of what has one column
/// for each step, and column B + n - base of the states: that after its step, or before it in a reverse layer. The
/// first B columns are the states before time `begin`. See Packing.
///
/// Going back, `waiting` columns of the segment that was there before are still needed: a product's sum over columns
/// runs in blocks, wherever the segments end, and their block is not complete.
struct Segment {
  Index begin = 0, end = 0, base = 0, waiting = 0;
  bool reverse = false;

  /// From time `begin`, `length` steps if there are so many.
  static Segment from(const Packing& p, Index begin, Index length, bool reverse, Index waiting = 0) {
    return {begin, (std::min)(begin + length, p.steps()), p.offset(begin) - (reverse ? waiting : 0), waiting, reverse};
  }
  Index steps() const { return end - begin; }
  Columns columns(const Packing& p) const { return {p.offset(begin), p.offset(end) - p.offset(begin)}; }
  /// Columns of the states where sequence j comes in and goes out.
  Index entrance(const Packing& p, Index j) const { return reverse ? far_end(p, j) : j; }
  Index exit(const Packing& p, Index j) const { return reverse ? j : far_end(p, j); }

  /// Its steps in the order of the forward pass, then those with columns that are waiting, all of them in the window's
  /// columns: step t reads the states of t - 1 and writes its own, a reverse layer's the other way.
  void plan(const Packing& p, std::vector<Step>& steps) const {
    steps.clear();
    steps.reserve(static_cast<std::size_t>(p.steps()));
    const auto add = [&](Index t) {
      const Index at = p.offset(t) - base, own = p.batch() + at;
      const Index before = t <= begin ? 0 : p.batch() + p.offset(t - 1) - base;
      steps.push_back({at, p.batch_size(t), reverse ? own : before, reverse ? before : own, 0, at, t});
    };
    if (reverse)
      for (Index t = end; t > 0 && (t > begin || p.offset(t) > base);) add(--t);
    else
      for (Index t = begin; t < p.steps() && (t < end || p.offset(t) < p.offset(end) + waiting); ++t) add(t);
  }

 private:
  /// The last of its states in time.
  Index far_end(const Packing& p, Index j) const {
    return p.batch() + p.offset((std::min)(p.length(j), end) - 1) + j - base;
  }
};

/// A batch cut into segments of `length` steps, numbered in the order of the forward pass.
struct Segments {
  Index length, count;
  bool reverse;

  /// `steps_at_once` steps each; 0: all of them.
  static Segments of(const Packing& p, Index steps_at_once, bool reverse) {
    const Index wanted = steps_at_once > 0 ? (std::min)(steps_at_once, p.steps()) : p.steps();
    const Index length = (std::max<Index>)(wanted, 1);
    return {length, (p.steps() + length - 1) / length, reverse};
  }
  Segment at(const Packing& p, Index k, Index waiting = 0) const {
    const Index place = reverse ? count - 1 - k : k;
    return Segment::from(p, place * length, length, reverse, waiting);
  }
};

/// Columns [from, from + n) become columns [to, to + n). They may overlap.
template <class T> void move_columns(Matrix<T>& m, Index from, Index to, Index n) {
  if (m.rows() > 0 && n > 0 && from != to)
    std::memmove(m.data() + to * m.rows(), m.data() + from * m.rows(),
                 static_cast<std::size_t>(n * m.rows()) * sizeof(T));
}

}  // namespace unroll::inline UNROLL_ABI
