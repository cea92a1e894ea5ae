// Gather, GatherElements and GatherND. Source: the ONNX operators of these names.
#include <algorithm>

#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

// An index that may count from the end.
std::int64_t checked(std::int64_t index, std::int64_t extent) {
  if (index < -extent || index >= extent) {
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       "index " + std::to_string(index) + " into an axis of " + std::to_string(extent) + " elements");
  }
  return index < 0 ? index + extent : index;
}

class Gather {
 public:
  explicit Gather(const sdk::OpNode &node) : axis_(node.integer("axis", 0)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const ShapeSpan data = shape_of(inputs[0]), indices = shape_of(inputs[1]);
    const std::size_t axis = axis_of(axis_, data.size());
    Shape shape(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(axis));
    shape.insert(shape.end(), indices.begin(), indices.end());
    shape.insert(shape.end(), data.begin() + static_cast<std::ptrdiff_t>(axis) + 1, data.end());
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan data = shape_of(inputs[0]);
    const std::size_t axis = axis_of(axis_, data.size());
    const Shape indices = integers_of(inputs[1]);
    const std::int64_t outer = count_of(data, 0, axis), inner = count_of(data, axis + 1, data.size());
    dispatch_size(inputs[0].dtype, [&]<typename T>() {
      T *to = out_data<T>(outputs[0]);
      for (std::int64_t o = 0; o < outer; ++o) {
        for (const std::int64_t index : indices) {
          const T *from = in_data<T>(inputs[0]) + (o * data[axis] + checked(index, data[axis])) * inner;
          to = std::copy(from, from + inner, to);
        }
      }
    });
  }

 private:
  std::int64_t axis_;
};

class GatherElements {
 public:
  explicit GatherElements(const sdk::OpNode &node) : axis_(node.integer("axis", 0)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (inputs[0].rank != inputs[1].rank) throw sdk::Failure(HT_INVALID_ARGUMENT, "data and indices differ in axes");
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[1]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan data = shape_of(inputs[0]), shape = shape_of(inputs[1]);
    const std::size_t axis = axis_of(axis_, data.size());
    for (std::size_t i = 0; i < data.size(); ++i) {
      if (i != axis && shape[i] > data[i]) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "indices reach beyond data along axis " + std::to_string(i));
      }
    }
    const Shape indices = integers_of(inputs[1]);
    Shape strides = strides_of(data);
    const std::int64_t along = strides[axis];
    strides[axis] = 0;
    dispatch_size(inputs[0].dtype, [&]<typename T>() {
      for_each_row<2>(shape, {strides_of(shape), strides}, [&](const auto &at, std::int64_t n, const auto &step) {
        for (std::int64_t i = 0; i < n; ++i) {
          const std::int64_t index = checked(indices[static_cast<std::size_t>(at[0] + i)], data[axis]);
          out_data<T>(outputs[0])[at[0] + i] = in_data<T>(inputs[0])[at[1] + i * step[1] + index * along];
        }
      });
    });
  }

 private:
  std::int64_t axis_;
};

class GatherNd {
 public:
  explicit GatherNd(const sdk::OpNode &node) : batch_(static_cast<std::size_t>(node.integer("batch_dims", 0))) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const ShapeSpan data = shape_of(inputs[0]), indices = shape_of(inputs[1]);
    if (indices.empty() || batch_ >= indices.size() ||
        batch_ + static_cast<std::size_t>(indices.back()) > data.size()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of data and indices do not fit");
    }
    if (!std::equal(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(batch_), indices.begin())) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "data and indices differ in the batch axes");
    }
    Shape shape(indices.begin(), indices.end() - 1);
    shape.insert(shape.end(), data.begin() + static_cast<std::ptrdiff_t>(batch_) + indices.back(), data.end());
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan data = shape_of(inputs[0]), shape = shape_of(inputs[1]);
    const Shape indices = integers_of(inputs[1]), strides = strides_of(data);
    const auto width = static_cast<std::size_t>(shape.back());
    const std::int64_t inner = count_of(data, batch_ + width, data.size());
    const std::int64_t batches = count_of(data, 0, batch_), plane = count_of(data, batch_, data.size());
    const std::int64_t each = batches == 0 ? 0 : count_of(shape.first(shape.size() - 1)) / batches;
    dispatch_size(inputs[0].dtype, [&]<typename T>() {
      T *to = out_data<T>(outputs[0]);
      const std::int64_t *index = indices.data();
      for (std::int64_t i = 0; i < batches * each; ++i) {
        std::int64_t offset = i / each * plane;
        for (std::size_t k = 0; k < width; ++k) offset += checked(*index++, data[batch_ + k]) * strides[batch_ + k];
        to = std::copy(in_data<T>(inputs[0]) + offset, in_data<T>(inputs[0]) + offset + inner, to);
      }
    });
  }

 private:
  std::size_t batch_;
};

}  // namespace
HALFTONE_OP_KERNEL(Gather, "Gather", 1, kNewest)
HALFTONE_OP_KERNEL(GatherElements, "GatherElements", 11, kNewest)
HALFTONE_OP_KERNEL(GatherNd, "GatherND", 11, kNewest)
}  // namespace halftone::reference
