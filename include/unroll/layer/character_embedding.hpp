// Words to vectors by their characters.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <unroll/core/parallel.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>

namespace unroll::inline UNROLL_ABI {

struct CharacterOptions {
  std::int32_t end_of_word = 0;  ///< the id behind the last character of every word; 0 is that of no text's character
};

namespace detail {
/// Which words a batch of characters has, and where each of them stands.
class CharacterWords {
 public:
  TokenBatch characters;  ///< of the distinct words, a sequence each

  /// Lays out `steps`, a step for each word of each sequence of x. Throws for a sequence that ends within a word.
  void find(const TokenBatch& x, std::int32_t end_of_word, Packing& steps) {
    cut(x, end_of_word, steps);
    const auto text_of = [&](const Word& w) { return std::span(text_).subspan(w.first, w.size); };
    std::sort(words_.begin(), words_.end(), [&](const Word& a, const Word& b) {
      const auto order = std::ranges::lexicographical_compare(text_of(a), text_of(b));
      return order || (a.column < b.column && std::ranges::equal(text_of(a), text_of(b)));
    });
    begins_.clear();
    lengths_.clear();
    for (std::size_t k = 0; k < words_.size(); ++k) {
      if (k > 0 && std::ranges::equal(text_of(words_[k]), text_of(words_[k - 1]))) continue;
      begins_.push_back(k);
      lengths_.push_back(static_cast<Index>(words_[k].size));
    }
    const Index longest = lengths_.empty() ? 0 : *std::ranges::max_element(lengths_);
    characters.packing.assign_lengths(lengths_, longest);
    characters.ids.resize(static_cast<std::size_t>(characters.packing.total()));
    for (std::size_t n = 0; n < characters.ids.size(); ++n) {
      const Word& word = words_[begins_[static_cast<std::size_t>(characters.packing.sequence_of(Index(n)))]];
      characters.ids[n] = text_[word.first + static_cast<std::size_t>(characters.packing.time_of(Index(n)))];
    }
    begins_.push_back(words_.size());
  }
  /// f(k, column): of the distinct words k in first .. last - 1, all columns in their order.
  template <class F> void for_each(Index first, Index last, const F& f) const {
    for (Index k = first; k < last; ++k)
      for (auto w = begins_[static_cast<std::size_t>(k)]; w < begins_[static_cast<std::size_t>(k) + 1]; ++w)
        f(k, words_[w].column);
  }
  Index distinct() const { return characters.packing.batch(); }
  std::size_t characters_read() const { return text_.size(); }

 private:
  struct Word {
    std::size_t first, size;  // in text_
    Index column;             // of the output
  };
  void cut(const TokenBatch& x, std::int32_t end_of_word, Packing& steps) {
    const Packing& p = x.packing;
    text_.clear();
    firsts_.resize(static_cast<std::size_t>(p.batch()));
    counts_.assign(static_cast<std::size_t>(p.batch()), 0);
    for (Index j = 0; j < p.batch(); ++j) {
      const auto row = static_cast<std::size_t>(p.row(j));
      firsts_[row] = text_.size();
      for (Index t = 0; t < p.length(j); ++t) {
        text_.push_back(x.ids[static_cast<std::size_t>(p.offset(t) + j)]);
        counts_[row] += text_.back() == end_of_word ? 1 : 0;
      }
      require(p.length(j) == 0 || text_.back() == end_of_word, "CharacterEmbedding: sequence ", p.row(j),
              " ends within a word, expected the id ", end_of_word, " behind each of its words");
    }
    steps.assign_lengths(counts_, counts_.empty() ? 0 : *std::ranges::max_element(counts_));
    words_.clear();
    for (Index j = 0; j < steps.batch(); ++j) {
      std::size_t first = firsts_[static_cast<std::size_t>(steps.row(j))];
      for (Index t = 0; t < steps.length(j); ++t) {
        std::size_t end = first;
        while (text_[end] != end_of_word) ++end;
        words_.push_back({first, end - first, steps.offset(t) + j});
        first = end + 1;
      }
    }
  }

  std::vector<std::int32_t> text_;   // x, a sequence after the other
  std::vector<std::size_t> firsts_;  // (B) where each sequence begins in it
  std::vector<Index> counts_;        // (B) its words
  std::vector<Word> words_;          // all, equal ones side by side
  std::vector<std::size_t> begins_;  // where each distinct word begins among them
  std::vector<Index> lengths_;       // of the distinct words
};
}  // namespace detail

/// A vector for each word out of its characters: the two final states of a recurrent layer that reads it from both
/// ends (Ling et al. 2015, Lample et al. 2016), so that words that were never seen have one, too.
///
/// x are the characters of sentences, `end_of_word` behind each word; y has a step for each word, (2 H, words): the
/// packing of a batch of the same sentences' words. A word without characters is the mark alone, and zero. What equal
/// words of a batch are is computed once.
template <class C> class CharacterEmbedding {
 public:
  using Reader = FinalState<Bidirectional<C>>;
  using Scalar = typename Reader::Scalar;
  using T = Scalar;
  using State = Nothing;
  using Options = CharacterOptions;
  template <Tokens In> using Output = PackedSequence<T>;

  Embedding<T> embed;
  Reader read;
  Options options;
  UNROLL_PARTS(embed, read)

  template <Tokens In> struct Cache {
    detail::CharacterWords words;
    typename Embedding<T>::template Cache<TokenBatch> embed;
    typename Reader::template Cache<PackedSequence<T>> read;
    PackedSequence<T> y;
    Matrix<T> d_words;
    const PackedSequence<T>& output() const { return y; }
  };

  /// V characters, `end_of_word` counted; the cell takes their vectors: `CharacterEmbedding{V, Lstm{25, 50}}`.
  CharacterEmbedding(Index V, const C& cell, Options how = {})
      : CharacterEmbedding(V, Reader(Bidirectional<C>(cell)), how) {}

  /// Features of a word.
  Index outputs() const {
    return read.inner.forward_layer.cell.state_rows(0) + read.inner.reverse_layer.cell.state_rows(0);
  }

  template <Tokens In>
  const PackedSequence<T>& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> = {}) const {
    check_batch("CharacterEmbedding", x);
    check_ids(x);
    c.words.find(x, options.end_of_word, c.y.packing);
    c.y.values.resize(outputs(), c.y.packing.total());
    if (c.words.distinct() == 0) return c.y;
    embed.forward(context.child(0), c.words.characters, c.embed);
    const Matrix<T>& words = read.forward(context.child(1), c.embed.y, c.read);
    parallel_ranges(c.words.distinct(), 64, [&](Index first, Index last) {
      c.words.for_each(first, last, [&](Index k, Index column) { c.y.values.col(column) = words.col(k); });
    });
    return c.y;
  }
  /// The gradients of equal words add up in the order of their columns.
  template <Tokens In>
  Nothing backward(const In& x, const PackedSequence<T>& dy, Cache<In>& c, CharacterEmbedding& gradient,
                   Carry<State> = {}) const {
    require(
        c.y.values.rows() > 0 && c.words.characters_read() == x.ids.size() && c.y.packing.batch() == x.packing.batch(),
        "CharacterEmbedding: backward without a forward pass of the same batch before it");
    detail::require_gradient("CharacterEmbedding", dy, c.y);
    check_gradient_shapes("CharacterEmbedding", *this, gradient);
    if (c.words.distinct() == 0) return {};
    c.d_words.resize(outputs(), c.words.distinct());
    parallel_ranges(c.words.distinct(), 64, [&](Index first, Index last) {
      c.d_words.middleCols(first, last - first).setZero();
      c.words.for_each(first, last, [&](Index k, Index column) { c.d_words.col(k) += dy.values.col(column); });
    });
    c.read.want_dx = embed.weight.trainable;
    const PackedSequence<T>& d = read.backward(c.embed.y, c.d_words, c.read, gradient.read);
    if (embed.weight.trainable) embed.backward(c.words.characters, d, c.embed, gradient.embed);
    return {};
  }

  void initialize(Rng rng, const Scheme& scheme) { detail::initialize_parts(*this, rng, scheme); }
  std::string describe() const { return concat_text("CharacterEmbedding (", detail::describe_parts(*this), ")"); }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    detail::visit_parts(f, at, self...);
  }

 private:
  CharacterEmbedding(Index V, Reader reader, Options how)
      : embed(V, reader.inner.forward_layer.weight_ih.cols()), read(std::move(reader)), options(how) {
    detail::require_index("CharacterEmbedding", "end_of_word", options.end_of_word, V);
  }
  void check_ids(const TokenBatch& x) const {
    for (std::size_t n = 0; n < x.ids.size(); ++n)
      require(x.ids[n] >= 0 && x.ids[n] < embed.weight.cols(), "CharacterEmbedding: character ", x.ids[n],
              " of sequence ", x.packing.sequence_of(Index(n)), " at step ", x.packing.time_of(Index(n)),
              ", expected 0 to ", embed.weight.cols() - 1);
  }
};

}  // namespace unroll::inline UNROLL_ABI
