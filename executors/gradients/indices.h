// Where the operators with index tensors read and write: element `i` of the smaller side and its offset in the data.
#pragma once

#include <string>

#include "sums.h"

namespace halftone::gradients {

// An index that may count from the end.
inline std::int64_t checked_index(std::int64_t index, std::int64_t extent) {
  if (index < -extent || index >= extent) {
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       "index " + std::to_string(index) + " into an axis of " + std::to_string(extent) + " elements");
  }
  return index < 0 ? index + extent : index;
}

// Gather: whole slices of the data.
class SliceIndices {
 public:
  explicit SliceIndices(const sdk::OpNode &node) : axis_(node.integer("axis", 0)) {}
  template <typename Visit>
  void each(ShapeSpan data, const ht_tensor_view &indices, Visit visit) const {
    const std::size_t axis = axis_of(axis_, data.size());
    const std::int64_t outer = count_of(data, 0, axis), inner = count_of(data, axis + 1, data.size());
    const Shape chosen = integers_of(indices);
    std::int64_t i = 0;
    for (std::int64_t o = 0; o < outer; ++o) {
      for (const std::int64_t index : chosen) {
        const std::int64_t first = (o * data[axis] + checked_index(index, data[axis])) * inner;
        for (std::int64_t j = 0; j < inner; ++j) visit(i++, first + j);
      }
    }
  }

 private:
  std::int64_t axis_;
};

// GatherElements and ScatterElements: an index along one axis for each element.
class ElementIndices {
 public:
  explicit ElementIndices(const sdk::OpNode &node) : axis_(node.integer("axis", 0)) {}
  template <typename Visit>
  void each(ShapeSpan data, const ht_tensor_view &indices, Visit visit) const {
    const std::size_t axis = axis_of(axis_, data.size());
    const ShapeSpan shape(indices.shape, indices.rank);
    const Shape chosen = integers_of(indices);
    Shape strides = strides_of(data);
    const std::int64_t along = strides[axis];
    strides[axis] = 0;
    for_each_element<2>(shape, {strides_of(shape), strides}, [&](const auto &at) {
      visit(at[0], at[1] + checked_index(chosen[static_cast<std::size_t>(at[0])], data[axis]) * along);
    });
  }

 private:
  std::int64_t axis_;
};

// GatherND and ScatterND: the last axis of the indices names a slice of the data.
class TupleIndices {
 public:
  explicit TupleIndices(const sdk::OpNode &node) : batch_(static_cast<std::size_t>(node.integer("batch_dims", 0))) {}
  template <typename Visit>
  void each(ShapeSpan data, const ht_tensor_view &indices, Visit visit) const {
    const ShapeSpan shape(indices.shape, indices.rank);
    const Shape chosen = integers_of(indices), strides = strides_of(data);
    const auto width = static_cast<std::size_t>(shape.back());
    const std::int64_t inner = count_of(data, batch_ + width, data.size());
    const std::int64_t batches = count_of(data, 0, batch_), plane = count_of(data, batch_, data.size());
    const std::int64_t tuples = count_of(shape, 0, shape.size() - 1), each = batches == 0 ? 0 : tuples / batches;
    for (std::int64_t t = 0; each > 0 && t < tuples; ++t) {
      std::int64_t first = t / each * plane;
      for (std::size_t k = 0; k < width; ++k) {
        const std::int64_t index = chosen[static_cast<std::size_t>(t) * width + k];
        first += checked_index(index, data[batch_ + k]) * strides[batch_ + k];
      }
      for (std::int64_t j = 0; j < inner; ++j) visit(t * inner + j, first + j);
    }
  }

 private:
  std::size_t batch_;
};

}  // namespace halftone::gradients
