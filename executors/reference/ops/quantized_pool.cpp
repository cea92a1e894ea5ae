// QLinearAveragePool, QLinearGlobalAveragePool and QLinearConcat of com.microsoft. Source: ONNX Runtime's
// ContribOperators.md.
#include "ops/requantize.h"
#include "ops/window.h"

namespace halftone::reference {
namespace {

// Mean codes of windows, with the scales of input (slots 1, 2) and output (slots 3, 4).
template <typename Sum>
void store_means(sdk::KernelInputs inputs, ht_tensor_view &output, Sum sum_of) {
  const float ratio = scales_of(inputs[1], 1)[0] / scales_of(inputs[3], 1)[0];
  const std::int32_t x_zero = zero_points(inputs, 2, 1)[0], y_zero = zero_points(inputs, 4, 1)[0];
  dispatch(output.dtype, ByteTypes{}, [&]<typename T>() {
    for (std::int64_t i = 0; i < count_of(output); ++i) {
      const auto [sum, count] = sum_of(in_data<T>(inputs[0]), i, x_zero);
      const float mean = count == 0 ? 0.0F : static_cast<float>(sum) / static_cast<float>(count);
      out_data<T>(output)[i] = code_of<T>(mean * ratio, y_zero);
    }
  });
}

struct SumAndCount {
  std::int64_t sum, count;
};

void require_channels_first(const sdk::OpNode &node) {
  if (node.flag("channels_last", false)) throw sdk::Failure(HT_UNIMPLEMENTED, "channels_last");
}

class QLinearAveragePool {
 public:
  explicit QLinearAveragePool(const sdk::OpNode &node)
      : attributes_(node), include_pad_(node.flag("count_include_pad", false)) {
    require_channels_first(node);
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, ByteTypes{});
    if (inputs[0].rank < 3) throw sdk::Failure(HT_INVALID_ARGUMENT, "the input has no spatial axis");
    Shape shape = {inputs[0].shape[0], inputs[0].shape[1]};
    const Window window(attributes_, shape_of(inputs[0]).subspan(2), {});
    shape.insert(shape.end(), window.output.begin(), window.output.end());
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Window window(attributes_, shape_of(inputs[0]).subspan(2), {});
    const auto table = window_table(window);
    const std::int64_t plane = count_of(window.input), positions = window.positions();
    store_means(inputs, outputs[0], [&](const auto *x, std::int64_t i, std::int32_t zero) {
      SumAndCount out{0, 0};
      for (std::int64_t t = 0; t < window.taps(); ++t) {
        const std::int32_t at = table[static_cast<std::size_t>(t * positions + i % positions)];
        if (at >= 0) out.sum += x[i / positions * plane + at] - zero;
        if (at >= 0 || (include_pad_ && at == -1)) ++out.count;
      }
      return out;
    });
  }

 private:
  WindowAttributes attributes_;
  bool include_pad_;
};

class QLinearGlobalAveragePool {
 public:
  explicit QLinearGlobalAveragePool(const sdk::OpNode &node) { require_channels_first(node); }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, ByteTypes{});
    if (inputs[0].rank < 2) throw sdk::Failure(HT_INVALID_ARGUMENT, "the input has no channel axis");
    Shape shape(inputs[0].rank, 1);
    shape[0] = inputs[0].shape[0];
    shape[1] = inputs[0].shape[1];
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const std::int64_t plane = count_of(shape_of(inputs[0]).subspan(2));
    store_means(inputs, outputs[0], [&](const auto *x, std::int64_t i, std::int32_t zero) {
      SumAndCount out{0, plane};
      for (std::int64_t j = 0; j < plane; ++j) out.sum += x[i * plane + j] - zero;
      return out;
    });
  }
};

// Inputs: the output's scale and zero point, then tensor, scale and zero point of each part.
class QLinearConcat {
 public:
  explicit QLinearConcat(const sdk::OpNode &node) : axis_(node.integer("axis", 0)) {
    if (node.input_count() < 5 || (node.input_count() - 2) % 3 != 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the inputs are no scale, zero point and whole triples");
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[2].dtype, ByteTypes{});
    Shape shape = shape_copy(inputs[2]);
    const std::size_t axis = axis_of(axis_, shape.size());
    for (std::size_t i = 5; i < inputs.size(); i += 3) {
      Shape part = shape_copy(inputs[i]);
      if (part.size() != shape.size()) throw sdk::Failure(HT_INVALID_ARGUMENT, "parts of different ranks");
      shape[axis] += part[axis];
      part[axis] = shape[axis];
      if (part != shape) throw sdk::Failure(HT_INVALID_ARGUMENT, "parts differ in another axis than the one joined");
    }
    sdk::set_type(outputs[0], inputs[2].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan shape = shape_of(outputs[0]);
    const std::size_t axis = axis_of(axis_, shape.size());
    const std::int64_t outer = count_of(shape, 0, axis), row = count_of(shape, axis, shape.size());
    const float y_scale = scales_of(inputs[0], 1)[0];
    const std::int32_t y_zero = zero_points(inputs, 1, 1)[0];
    std::int64_t offset = 0;
    for (std::size_t i = 2; i < inputs.size(); i += 3) {
      const std::int64_t own = outer == 0 ? 0 : count_of(inputs[i]) / outer;
      const float x_scale = scales_of(inputs[i + 1], 1)[0];
      const std::int32_t x_zero = zero_points(inputs, i + 2, 1)[0];
      dispatch(outputs[0].dtype, ByteTypes{}, [&]<typename T>() {
        for (std::int64_t j = 0; j < outer * own; ++j) {
          const T code = in_data<T>(inputs[i])[j];
          const bool same = x_scale == y_scale && x_zero == y_zero;
          const float real = static_cast<float>(static_cast<std::int32_t>(code) - x_zero) * x_scale;
          out_data<T>(outputs[0])[j / own * row + offset + j % own] = same ? code : code_of<T>(real / y_scale, y_zero);
        }
      });
      offset += own;
    }
  }

 private:
  std::int64_t axis_;
};

}  // namespace
HALFTONE_OP_KERNEL_OF("com.microsoft", QLinearAveragePool, "QLinearAveragePool", 1, 1)
HALFTONE_OP_KERNEL_OF("com.microsoft", QLinearGlobalAveragePool, "QLinearGlobalAveragePool", 1, 1)
HALFTONE_OP_KERNEL_OF("com.microsoft", QLinearConcat, "QLinearConcat", 1, 1)
}  // namespace halftone::reference
