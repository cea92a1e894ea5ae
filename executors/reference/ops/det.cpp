// Det: determinants of a stack of square matrices, by elimination with the greatest pivot of the column. Source: ONNX
// operator Det, opset 11.
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/product.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

double determinant(std::vector<double> m, std::size_t n) {
  double det = 1;
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < n; ++r) {
      if (std::fabs(m[r * n + c]) > std::fabs(m[pivot * n + c])) pivot = r;
    }
    if (m[pivot * n + c] == 0) return 0;
    if (pivot != c) {
      for (std::size_t k = 0; k < n; ++k) std::swap(m[pivot * n + k], m[c * n + k]);
      det = -det;
    }
    det *= m[c * n + c];
    for (std::size_t r = c + 1; r < n; ++r) {
      const double factor = m[r * n + c] / m[c * n + c];
      for (std::size_t k = c; k < n; ++k) m[r * n + k] -= factor * m[c * n + k];
    }
  }
  return det;
}

class Det {
 public:
  explicit Det(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    const ShapeSpan shape = shape_of(inputs[0]);
    if (shape.size() < 2 || shape[shape.size() - 2] != shape.back()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the last two axes are no square matrix");
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape.first(shape.size() - 2));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      const std::int64_t n = shape_of(inputs[0]).back();
      for (std::int64_t i = 0; i < count_of(outputs[0]); ++i) {
        out_data<T>(outputs[0])[i] = static_cast<T>(
            determinant(widened<double>(in_data<T>(inputs[0]) + i * n * n, n * n), static_cast<std::size_t>(n)));
      }
    });
  }
};

}  // namespace
HALFTONE_OP_KERNEL(Det, "Det", 11, kNewest)
}  // namespace halftone::reference
