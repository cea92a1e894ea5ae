// IsNaN and IsInf. Source: ONNX operators of these names, opset 9 to 20.
#include <cmath>

#include "ops/codes.h"
#include "ops/shape.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

using TestedTypes = Types<float, double, Float16, BFloat16, Float8E4M3FN, Float8E5M2>;

// Test: a constructor from OpNode and bool operator()(double).
template <typename Test>
class FloatTest {
 public:
  explicit FloatTest(const sdk::OpNode &node) : test_(node) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, TestedTypes{});
    sdk::set_type(outputs[0], HT_BOOL, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, TestedTypes{}, [&]<typename T>() {
      const std::int64_t n = count_of(inputs[0]);
      for (std::int64_t i = 0; i < n; ++i) {
        out_data<bool>(outputs[0])[i] = test_(static_cast<double>(in_data<T>(inputs[0])[i]));
      }
    });
  }

 private:
  Test test_;
};

struct NaN {
  explicit NaN(const sdk::OpNode &) {}
  bool operator()(double x) const { return std::isnan(x); }
};
struct Inf {
  explicit Inf(const sdk::OpNode &node)
      : negative(node.flag("detect_negative", true)), positive(node.flag("detect_positive", true)) {}
  bool operator()(double x) const { return std::isinf(x) && (x < 0 ? negative : positive); }
  bool negative, positive;
};
using IsNaN = FloatTest<NaN>;
using IsInf = FloatTest<Inf>;

}  // namespace
HALFTONE_OP_KERNEL(IsNaN, "IsNaN", 9, kNewest)
HALFTONE_OP_KERNEL(IsInf, "IsInf", 10, kNewest)
}  // namespace halftone::reference
