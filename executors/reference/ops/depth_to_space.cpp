// DepthToSpace and SpaceToDepth: a permutation of six axes. Source: the ONNX operators of these names.
#include "halftone/op_kernel.hpp"
#include "ops/blocks.h"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class DepthToSpace {
 public:
  explicit DepthToSpace(const sdk::OpNode &node) : size_(block_size(node)), crd_(node.text("mode", "DCR") == "CRD") {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const ht_tensor_view &x = inputs[0];
    if (x.rank != 4 || x.shape[1] % (size_ * size_) != 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the channels do not divide by blocksize squared");
    }
    sdk::set_type(outputs[0], x.dtype,
                  Shape{x.shape[0], x.shape[1] / (size_ * size_), x.shape[2] * size_, x.shape[3] * size_});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ht_tensor_view &x = inputs[0];
    const Blocks b(x.shape[0], x.shape[1] / (size_ * size_), x.shape[2], x.shape[3], size_, crd_);
    copy_box(x.dtype, b.shape, x.data, 0, b.deep_strides, outputs[0].data, 0, b.wide_strides);
  }

 private:
  std::int64_t size_;
  bool crd_;
};

class SpaceToDepth {
 public:
  explicit SpaceToDepth(const sdk::OpNode &node) : size_(block_size(node)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const ht_tensor_view &x = inputs[0];
    if (x.rank != 4 || x.shape[2] % size_ != 0 || x.shape[3] % size_ != 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "height and width do not divide by blocksize");
    }
    sdk::set_type(outputs[0], x.dtype,
                  Shape{x.shape[0], x.shape[1] * size_ * size_, x.shape[2] / size_, x.shape[3] / size_});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ht_tensor_view &x = inputs[0];
    const Blocks b(x.shape[0], x.shape[1], x.shape[2] / size_, x.shape[3] / size_, size_, false);
    copy_box(x.dtype, b.shape, x.data, 0, b.wide_strides, outputs[0].data, 0, b.deep_strides);
  }

 private:
  std::int64_t size_;
};

}  // namespace
HALFTONE_OP_KERNEL(DepthToSpace, "DepthToSpace", 1, kNewest)
HALFTONE_OP_KERNEL(SpaceToDepth, "SpaceToDepth", 1, kNewest)
}  // namespace halftone::reference
