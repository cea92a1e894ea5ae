// Range. Source: the ONNX operator of this name.
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Range {
 public:
  explicit Range(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    for (std::size_t i = 0; i < 3; ++i) {
      if (inputs[i].data == nullptr) throw sdk::needs_data();
    }
    dispatch(inputs[0].dtype, RangeTypes{}, [&]<typename T>() {
      const auto value = [&](std::size_t i) { return static_cast<double>(*in_data<T>(inputs[i])); };
      if (value(2) == 0) throw sdk::Failure(HT_INVALID_ARGUMENT, "delta is 0");
      const double count = std::max(0.0, std::ceil((value(1) - value(0)) / value(2)));
      if (!(count < 0x1p56)) throw sdk::Failure(HT_INVALID_ARGUMENT, "start, limit and delta make no finite range");
      sdk::set_type(outputs[0], inputs[0].dtype, Shape{static_cast<std::int64_t>(count)});
    });
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, RangeTypes{}, [&]<typename T>() {
      using W = Accumulator<T>;
      const W start = static_cast<W>(*in_data<T>(inputs[0])), delta = static_cast<W>(*in_data<T>(inputs[2]));
      const std::int64_t n = count_of(outputs[0]);
      for (std::int64_t i = 0; i < n; ++i)
        out_data<T>(outputs[0])[i] = static_cast<T>(start + static_cast<W>(i) * delta);
    });
  }

 private:
  using RangeTypes = Types<float, double, std::int16_t, std::int32_t, std::int64_t, Float16, BFloat16>;
};

}  // namespace
HALFTONE_OP_KERNEL(Range, "Range", 11, kNewest)
}  // namespace halftone::reference
