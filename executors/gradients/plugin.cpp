// The plug-in ht_gradients: plain gradients of ONNX's operators.
#include "halftone/op_gradient.hpp"

namespace halftone::gradients {
namespace {

class PlainGradients : public sdk::OpGradients {
 public:
  static void describe(sdk::Description &d) {
    d.id("plain-gradients")
        .title("plain gradients of ONNX operators")
        .doc(
            "Plain loops in float32; sums are kept in float64, in a fixed order, and rounded once. Where an operator "
            "has no derivative, the subgradient is PyTorch's.")
        .capabilities(HT_CAP_GRAPH_READ)
        .threading(HT_THREADING_FREE);
  }
  explicit PlainGradients(const sdk::Args &) {}
};

}  // namespace
HALFTONE_OP_GRADIENTS(PlainGradients)
}  // namespace halftone::gradients

HALFTONE_PLUGIN("halftone.gradients", "0.1.0", "Apache-2.0")
