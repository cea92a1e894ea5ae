// GlobalAveragePool and GlobalMaxPool: one value per channel. Source: the ONNX operators of these names.
#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

struct Average {
  template <typename T>
  static double of(const T *x, std::int64_t n) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]);
    return sum / static_cast<double>(n);
  }
};
struct Maximum {
  template <typename T>
  static double of(const T *x, std::int64_t n) {
    double best = static_cast<double>(x[0]);
    for (std::int64_t i = 1; i < n; ++i) {
      const auto value = static_cast<double>(x[i]);
      if (value > best || value != value) best = value;
    }
    return best;
  }
};

template <typename Statistic>
class GlobalPool {
 public:
  explicit GlobalPool(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    if (inputs[0].rank < 2) throw sdk::Failure(HT_INVALID_ARGUMENT, "the input has no channel axis");
    Shape shape(inputs[0].rank, 1);
    shape[0] = inputs[0].shape[0];
    shape[1] = inputs[0].shape[1];
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      const std::int64_t plane = count_of(shape_of(inputs[0]).subspan(2));
      const std::int64_t channels = count_of(outputs[0]);
      for (std::int64_t c = 0; c < channels && plane > 0; ++c) {
        out_data<T>(outputs[0])[c] = static_cast<T>(Statistic::of(in_data<T>(inputs[0]) + c * plane, plane));
      }
    });
  }
};
using GlobalAveragePool = GlobalPool<Average>;
using GlobalMaxPool = GlobalPool<Maximum>;

}  // namespace
HALFTONE_OP_KERNEL(GlobalAveragePool, "GlobalAveragePool", 1, kNewest)
HALFTONE_OP_KERNEL(GlobalMaxPool, "GlobalMaxPool", 1, kNewest)
}  // namespace halftone::reference
