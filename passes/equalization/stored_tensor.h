// Stored tensors as doubles: read once, changed in double precision, rounded once when they are stored.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "halftone/graph.hpp"

namespace halftone::passes {

struct StoredTensor {
  ht_dtype dtype = HT_F32;  // HT_F32 or HT_F64
  std::vector<std::int64_t> shape;
  std::vector<double> data;

  std::size_t rank() const { return shape.size(); }
  std::int64_t extent(std::size_t axis) const { return axis < shape.size() ? shape[axis] : 1; }
  // Elements between two neighbours on an axis.
  std::size_t stride(std::size_t axis) const;
};

// Nothing when the value is no stored float32 or float64 tensor.
std::optional<StoredTensor> read_tensor(const sdk::Graph &graph, ht_handle value);
// Nothing when the value is no stored int64 or int32 tensor.
std::optional<std::vector<std::int64_t>> read_integers(const sdk::Graph &graph, ht_handle value);

ht_handle add_tensor(const sdk::GraphEdit &edit, ht_handle graph, std::string_view name, const StoredTensor &tensor);
// Makes an input slot read this tensor. An initializer that only this slot reads is replaced; one that others read too
// stays as it is for them. `name` is for a new initializer.
void store_tensor(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node, std::uint32_t slot,
                  std::string_view name, const StoredTensor &tensor);

// With its axis `axis`, counted from the last (0 is the last), widened to `extent` where it is 1 or absent.
StoredTensor widened(const StoredTensor &tensor, std::size_t axis_from_last, std::int64_t extent);

}  // namespace halftone::passes
