// ConvTranspose: the filters' columns are computed by a product and scattered, the gradient of Conv.
// Source: the ONNX operator of this name.
#include <algorithm>

#include "halftone/op_kernel.hpp"
#include "ops/product.h"
#include "ops/types.h"
#include "ops/version.h"
#include "ops/window.h"

namespace halftone::reference {
namespace {

class ConvTranspose {
 public:
  explicit ConvTranspose(const sdk::OpNode &node)
      : attributes_(node),
        group_(node.integer("group", 1)),
        output_padding_(node.integers("output_padding")),
        output_shape_(node.integers("output_shape")) {
    if (group_ < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "group must be at least 1");
  }

  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    const ht_tensor_view &x = inputs[0], &w = inputs[1];
    if (x.rank < 3 || x.rank != w.rank || x.shape[1] != w.shape[0] || x.shape[1] % group_ != 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of X and W do not fit");
    }
    if (sdk::present(inputs, 2) && count_of(inputs[2]) != w.shape[1] * group_) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "B has not one entry per output channel");
    }
    Shape shape = {x.shape[0], w.shape[1] * group_};
    const Window window = window_of(x, w);
    shape.insert(shape.end(), window.input.begin(), window.input.end());
    sdk::set_type(outputs[0], x.dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() { scatter<T>(inputs, outputs[0]); });
  }

 private:
  // The window of the convolution whose gradient this is: its input is our output.
  Window window_of(const ht_tensor_view &x, const ht_tensor_view &w) const {
    const std::size_t n = x.rank - 2;
    const auto at = [](const Shape &values, std::size_t i, std::int64_t deflt) {
      return i < values.size() ? values[i] : deflt;
    };
    WindowAttributes plain = attributes_;
    plain.auto_pad = "NOTSET";
    plain.pads.assign(2 * n, 0);
    const bool same = attributes_.auto_pad == "SAME_UPPER" || attributes_.auto_pad == "SAME_LOWER";
    const bool valid = attributes_.auto_pad == "VALID";
    if (!output_shape_.empty() && output_shape_.size() < n) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "output_shape has fewer entries than there are spatial axes");
    }
    Shape result(n);
    for (std::size_t i = 0; i < n; ++i) {
      const std::int64_t stride = at(attributes_.strides, i, 1), extra = at(output_padding_, i, 0);
      const std::int64_t extent = (w.shape[i + 2] - 1) * at(attributes_.dilations, i, 1) + 1;
      const std::int64_t full = stride * (x.shape[i + 2] - 1) + extra + extent;
      std::int64_t begin = valid ? 0 : at(attributes_.pads, i, 0), end = valid ? 0 : at(attributes_.pads, i + n, 0);
      if (!output_shape_.empty() || same) {
        // Some exporters give batch and channels too; the last entries are the spatial ones.
        result[i] = output_shape_.empty() ? x.shape[i + 2] * stride : output_shape_[output_shape_.size() - n + i];
        const std::int64_t total = std::max<std::int64_t>(0, full - result[i]);
        begin = attributes_.auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
        end = total - begin;
      } else {
        result[i] = full - begin - end;
      }
      plain.pads[i] = begin;
      plain.pads[i + n] = end;
    }
    Window window(plain, result, shape_of(w).subspan(2));
    window.output.assign(x.shape + 2, x.shape + x.rank);  // not what division makes of it: output_padding adds rows
    return window;
  }

  template <typename T>
  void scatter(sdk::KernelInputs inputs, ht_tensor_view &output) const {
    const ht_tensor_view &x = inputs[0], &w = inputs[1];
    const Window window = window_of(x, w);
    const auto table = window_table(window);
    const std::int64_t plane = count_of(window.input), positions = window.positions(), taps = window.taps();
    const std::int64_t in = x.shape[1] / group_, out = w.shape[1], height = out * taps;
    const T *bias = sdk::present(inputs, 2) ? in_data<T>(inputs[2]) : nullptr;
    std::vector<double> columns(static_cast<std::size_t>(height * positions)), sums(static_cast<std::size_t>(plane));
    for (std::int64_t i = 0; i < x.shape[0] * group_; ++i) {  // sample and group
      const std::int64_t g = i % group_;
      const auto filters = transposed<double>(in_data<T>(w) + g * in * height, in, height);
      const auto source = widened<double>(in_data<T>(x) + i * in * positions, in * positions);
      product(filters.data(), source.data(), columns.data(), height, positions, in);
      for (std::int64_t c = 0; c < out; ++c) {
        std::fill(sums.begin(), sums.end(), bias == nullptr ? 0.0 : static_cast<double>(bias[g * out + c]));
        const double *column = columns.data() + c * taps * positions;
        for (std::int64_t j = 0; j < taps * positions; ++j) {
          const std::int32_t offset = table[static_cast<std::size_t>(j)];
          if (offset >= 0) sums[static_cast<std::size_t>(offset)] += column[j];
        }
        T *to = out_data<T>(output) + (i * out + c) * plane;
        for (std::int64_t j = 0; j < plane; ++j) to[j] = static_cast<T>(sums[static_cast<std::size_t>(j)]);
      }
    }
  }
  WindowAttributes attributes_;
  std::int64_t group_;
  Shape output_padding_, output_shape_;
};

}  // namespace
HALFTONE_OP_KERNEL(ConvTranspose, "ConvTranspose", 1, kNewest)
}  // namespace halftone::reference
