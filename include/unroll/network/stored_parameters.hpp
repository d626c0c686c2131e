// A model's parameters without their types: what is written and read of them is compiled once, not for every model.
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include <unroll/core/parameters.hpp>
#include <unroll/file/dtype.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Where a parameter's numbers are, column by column, and what a file says of it. One that was taken from a const model
/// is only read.
struct StoredParameter {
  std::string path, name;  ///< "1.weight_ih_l0", "weight_ih"
  void* data;
  Dtype dtype;
  Index rows, cols;
  bool is_table;
  std::vector<Index> shape;  ///< in the file

  Index size() const { return rows * cols; }
};
using StoredParameters = std::vector<StoredParameter>;

/// Of the same address, element type and sizes: see the struct.
UNROLL_API void store_parameter(StoredParameters& to, const Path& path, const void* data, Dtype dtype, Index rows,
                                Index cols, bool is_table);

/// Collects what `visit` calls it with, absent ones too.
struct StoreParameters {
  StoredParameters& to;
  template <class P> void operator()(const Path& path, P& p) const {
    store_parameter(to, path, p.data(), dtype_of<typename P::Scalar>, p.rows(), p.cols(), is_table<P>);
  }
};

/// Those that are there, in their order.
template <class M> StoredParameters stored_parameters(M& model) {
  StoredParameters all;
  StoreParameters store{all};
  visit(store, model);
  return all;
}

}  // namespace unroll::inline UNROLL_ABI::detail

#if UNROLL_HEADER_ONLY
#include <unroll/network/stored_parameters.ipp>
#endif
