// Trilu and EyeLike: matrices by their diagonals. Source: the ONNX operators of these names.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Trilu {
 public:
  explicit Trilu(const sdk::OpNode &node) : upper_(node.flag("upper", true)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (inputs[0].rank < 2) throw sdk::Failure(HT_INVALID_ARGUMENT, "the input is no matrix");
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan shape = shape_of(inputs[0]);
    const std::int64_t rows = shape[shape.size() - 2], columns = shape.back(), n = count_of(shape);
    const std::int64_t k = sdk::present(inputs, 1) ? integers_of(inputs[1]).at(0) : 0;
    dispatch_size(inputs[0].dtype, [&]<typename T>() {
      for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t diagonal = i % columns - i / columns % rows;
        const bool kept = upper_ ? diagonal >= k : diagonal <= k;
        out_data<T>(outputs[0])[i] = kept ? in_data<T>(inputs[0])[i] : T{};
      }
    });
  }

 private:
  bool upper_;
};

class EyeLike {
 public:
  // The type's code in ONNX, or 0 to take the input's.
  explicit EyeLike(const sdk::OpNode &node) : to_(node.integer("dtype", 0)), k_(node.integer("k", 0)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (inputs[0].rank != 2) throw sdk::Failure(HT_INVALID_ARGUMENT, "the input is no matrix");
    const ht_dtype dtype = to_ == 0 ? inputs[0].dtype : dtype_of_onnx(to_);
    require_type(dtype, EyeTypes{});
    sdk::set_type(outputs[0], dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs, sdk::KernelOutputs outputs) const {
    const std::int64_t columns = outputs[0].shape[1], n = count_of(outputs[0]);
    dispatch(outputs[0].dtype, EyeTypes{}, [&]<typename T>() {
      for (std::int64_t i = 0; i < n; ++i) out_data<T>(outputs[0])[i] = static_cast<T>(i % columns - i / columns == k_);
    });
  }

 private:
  using EyeTypes = Types<float, double, std::int32_t, std::int64_t, std::int8_t, std::uint8_t, std::int16_t,
                         std::uint16_t, std::uint32_t, std::uint64_t, bool>;
  std::int64_t to_, k_;
};

}  // namespace
HALFTONE_OP_KERNEL(Trilu, "Trilu", 14, kNewest)
HALFTONE_OP_KERNEL(EyeLike, "EyeLike", 9, kNewest)
}  // namespace halftone::reference
