// The plug-in ht_reference: kernels for ONNX's operators, and an executor over kernels.
#include "halftone/op_kernel.hpp"

namespace halftone::reference {
namespace {

class ReferenceKernels : public sdk::OpKernels {
 public:
  static void describe(sdk::Description &d) {
    d.id("reference-kernels")
        .title("plain kernels for ONNX operators")
        .doc("Plain loops after the ONNX specification, opset 7 to 24; sums are kept in float64 and rounded once.")
        .capabilities(HT_CAP_GRAPH_READ)
        .threading(HT_THREADING_FREE);
  }
  explicit ReferenceKernels(const sdk::Args &) {}
};

}  // namespace
HALFTONE_OP_KERNELS(ReferenceKernels)
}  // namespace halftone::reference

HALFTONE_PLUGIN("halftone.reference", "0.1.0", "Apache-2.0")
