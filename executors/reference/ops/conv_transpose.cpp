// ConvTranspose: the filters' columns are computed by a product and scattered, the gradient of Conv.
// Source: the ONNX operator of this name.
#include <algorithm>

#include "halftone/op_kernel.hpp"
#include "ops/product.h"
#include "ops/transposed_window.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class ConvTranspose {
 public:
  explicit ConvTranspose(const sdk::OpNode &node) : attributes_(node), group_(attributes_.group) {}

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
    const Window window = attributes_.window(shape_of(x), shape_of(w));
    shape.insert(shape.end(), window.input.begin(), window.input.end());
    sdk::set_type(outputs[0], x.dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() { scatter<T>(inputs, outputs[0]); });
  }

 private:
  template <typename T>
  void scatter(sdk::KernelInputs inputs, ht_tensor_view &output) const {
    const ht_tensor_view &x = inputs[0], &w = inputs[1];
    const Window window = attributes_.window(shape_of(x), shape_of(w));
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
  TransposedAttributes attributes_;
  std::int64_t group_;
};

}  // namespace
HALFTONE_OP_KERNEL(ConvTranspose, "ConvTranspose", 1, kNewest)
}  // namespace halftone::reference
