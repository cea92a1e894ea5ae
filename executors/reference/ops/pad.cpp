// Pad: constant, reflect, edge and wrap; negative pads crop. Source: the ONNX operator of this name.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Pad {
 public:
  explicit Pad(const sdk::OpNode &node) : mode_(node.text("mode", "constant")) {
    if (mode_ != "constant" && mode_ != "reflect" && mode_ != "edge" && mode_ != "wrap") {
      throw sdk::Failure(HT_UNIMPLEMENTED, "mode '" + mode_ + "'");
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    Shape begin, end;
    pads_of(inputs, begin, end);
    if (sdk::present(inputs, 2) && inputs[2].dtype != inputs[0].dtype) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "constant_value has not the input's type");
    }
    Shape shape = shape_copy(inputs[0]);
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const std::int64_t extent = shape[i];
      shape[i] += begin[i] + end[i];
      if (shape[i] < 0) throw sdk::Failure(HT_INVALID_ARGUMENT, "pads crop more than there is");
      if (extent == 0 && shape[i] > 0 && mode_ != "constant")
        throw sdk::Failure(HT_INVALID_ARGUMENT, "nothing to repeat");
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    Shape begin, end;
    pads_of(inputs, begin, end);
    const ShapeSpan from = shape_of(inputs[0]), to = shape_of(outputs[0]);
    std::vector<Shape> sources(to.size());  // per axis and output coordinate: offset in the input, or -1
    const Shape strides = strides_of(from);
    for (std::size_t i = 0; i < to.size(); ++i) {
      for (std::int64_t p = 0; p < to[i]; ++p) {
        const std::int64_t at = source(p - begin[i], from[i]);
        sources[i].push_back(at < 0 ? -1 : at * strides[i]);
      }
    }
    const Bytes16 zero{};
    const void *value = sdk::present(inputs, 2) && count_of(inputs[2]) > 0 ? inputs[2].data : &zero;
    dispatch_size(inputs[0].dtype, [&]<typename T>() { gather<T>(inputs[0], sources, value, outputs[0]); });
  }

 private:
  static void pads_of(sdk::KernelInputs inputs, Shape &begin, Shape &end) {
    const std::size_t rank = inputs[0].rank;
    const Shape pads = integers_of(inputs[1]);
    Shape axes = sdk::present(inputs, 3) ? integers_of(inputs[3]) : Shape{};
    if (!sdk::present(inputs, 3)) {
      for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
    }
    if (pads.size() != 2 * axes.size()) throw sdk::Failure(HT_INVALID_ARGUMENT, "pads has not two entries per axis");
    begin.assign(rank, 0);
    end.assign(rank, 0);
    for (std::size_t i = 0; i < axes.size(); ++i) {
      begin[axis_of(axes[i], rank)] = pads[i];
      end[axis_of(axes[i], rank)] = pads[i + axes.size()];
    }
  }
  // The coordinate that stands at `at`, -1 for the constant.
  std::int64_t source(std::int64_t at, std::int64_t extent) const {
    if (at >= 0 && at < extent) return at;
    if (mode_ == "constant") return -1;
    if (mode_ == "edge") return at < 0 ? 0 : extent - 1;
    if (mode_ == "wrap") return (at % extent + extent) % extent;
    if (extent == 1) return 0;
    const std::int64_t period = 2 * (extent - 1), phase = (at % period + period) % period;
    return phase < extent ? phase : period - phase;
  }
  template <typename T>
  static void gather(const ht_tensor_view &x, const std::vector<Shape> &sources, const void *value, ht_tensor_view &y) {
    T constant;
    std::memcpy(&constant, value, sizeof(T));
    const std::int64_t n = count_of(y);
    Shape index(y.rank, 0);
    for (std::int64_t i = 0; i < n; ++i) {
      std::int64_t offset = 0;
      for (std::size_t k = 0; k < index.size() && offset >= 0; ++k) {
        const std::int64_t part = sources[k][static_cast<std::size_t>(index[k])];
        offset = part < 0 ? -1 : offset + part;
      }
      out_data<T>(y)[i] = offset < 0 ? constant : in_data<T>(x)[offset];
      for (std::size_t k = index.size(); k-- > 0;) {
        if (++index[k] < y.shape[k]) break;
        index[k] = 0;
      }
    }
  }
  std::string mode_;
};

}  // namespace
HALFTONE_OP_KERNEL(Pad, "Pad", 11, kNewest)
}  // namespace halftone::reference
