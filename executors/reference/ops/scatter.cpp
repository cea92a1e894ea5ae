// ScatterElements and ScatterND with their reductions. Source: the ONNX operators of these names.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

using Combined = Types<float, double, std::int32_t, std::int64_t, std::int8_t, std::uint8_t, std::int16_t,
                       std::uint16_t, std::uint32_t, std::uint64_t, Float16, BFloat16>;

std::int64_t checked(std::int64_t index, std::int64_t extent) {
  if (index < -extent || index >= extent) {
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       "index " + std::to_string(index) + " into an axis of " + std::to_string(extent) + " elements");
  }
  return index < 0 ? index + extent : index;
}

// Writes updates into the copied data, combined as the attribute says.
class Scatter {
 public:
  explicit Scatter(const sdk::OpNode &node) : reduction_(node.text("reduction", "none")) {
    if (reduction_ != "none" && reduction_ != "add" && reduction_ != "mul" && reduction_ != "max" &&
        reduction_ != "min") {
      throw sdk::Failure(HT_UNIMPLEMENTED, "reduction '" + reduction_ + "'");
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (reduction_ != "none") require_type(inputs[0].dtype, Combined{});
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }

 protected:
  // visit(write) calls write(target offset, update offset) for each element.
  template <typename Visit>
  void scatter(const ht_tensor_view &updates, ht_tensor_view &y, Visit visit) const {
    if (reduction_ == "none") {
      return dispatch_size(y.dtype, [&]<typename T>() {
        visit([&](std::int64_t to, std::int64_t from) { out_data<T>(y)[to] = in_data<T>(updates)[from]; });
      });
    }
    dispatch(y.dtype, Combined{}, [&]<typename T>() {
      visit([&](std::int64_t to, std::int64_t from) {
        T &target = out_data<T>(y)[to];
        target = combine(target, in_data<T>(updates)[from]);
      });
    });
  }

 private:
  template <typename T>
  T combine(T a, T b) const {
    using W = std::conditional_t<kIsReal<T>, T, std::uint64_t>;  // integers wrap
    if (reduction_ == "add") return static_cast<T>(static_cast<W>(a) + static_cast<W>(b));
    if (reduction_ == "mul") return static_cast<T>(static_cast<W>(a) * static_cast<W>(b));
    return (reduction_ == "max") == (a < b) ? b : a;
  }
  std::string reduction_;
};

class ScatterElements : public Scatter {
 public:
  explicit ScatterElements(const sdk::OpNode &node) : Scatter(node), axis_(node.integer("axis", 0)) {}
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    copy_all(inputs[0], outputs[0]);
    const ShapeSpan data = shape_of(inputs[0]), shape = shape_of(inputs[1]);
    if (data.size() != shape.size() || shape_copy(inputs[2]) != shape_copy(inputs[1])) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of data, indices and updates do not fit");
    }
    for (std::size_t i = 0; i < data.size(); ++i) {
      if (i != axis_of(axis_, data.size()) && shape[i] > data[i]) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "indices reach beyond data along axis " + std::to_string(i));
      }
    }
    const std::size_t axis = axis_of(axis_, data.size());
    const Shape indices = integers_of(inputs[1]);
    Shape strides = strides_of(data);
    const std::int64_t along = strides[axis];
    strides[axis] = 0;
    scatter(inputs[2], outputs[0], [&](auto write) {
      for_each_row<2>(shape, {strides_of(shape), strides}, [&](const auto &at, std::int64_t n, const auto &step) {
        for (std::int64_t i = 0; i < n; ++i) {
          const std::int64_t index = checked(indices[static_cast<std::size_t>(at[0] + i)], data[axis]);
          write(at[1] + i * step[1] + index * along, at[0] + i);
        }
      });
    });
  }

 private:
  std::int64_t axis_;
};

class ScatterNd : public Scatter {
 public:
  using Scatter::Scatter;
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    copy_all(inputs[0], outputs[0]);
    const ShapeSpan data = shape_of(inputs[0]), shape = shape_of(inputs[1]);
    if (shape.empty() || static_cast<std::size_t>(shape.back()) > data.size()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of data and indices do not fit");
    }
    const Shape indices = integers_of(inputs[1]), strides = strides_of(data);
    const auto width = static_cast<std::size_t>(shape.back());
    const std::int64_t inner = count_of(data, width, data.size());
    if (count_of(inputs[2]) != count_of(shape.first(shape.size() - 1)) * inner) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "updates has not the size that data and indices ask for");
    }
    scatter(inputs[2], outputs[0], [&](auto write) {
      const std::int64_t count = count_of(shape.first(shape.size() - 1));
      for (std::int64_t i = 0; i < count; ++i) {
        std::int64_t offset = 0;
        for (std::size_t k = 0; k < width; ++k) {
          offset += checked(indices[static_cast<std::size_t>(i) * width + k], data[k]) * strides[k];
        }
        for (std::int64_t j = 0; j < inner; ++j) write(offset + j, i * inner + j);
      }
    });
  }
};

}  // namespace
HALFTONE_OP_KERNEL(ScatterElements, "ScatterElements", 11, kNewest)
HALFTONE_OP_KERNEL(ScatterElements, "Scatter", 9, 10)
HALFTONE_OP_KERNEL(ScatterNd, "ScatterND", 11, kNewest)
}  // namespace halftone::reference
