// RotaryEmbedding (Su et al., RoFormer, arXiv:2104.09864): pairs of features turned by an angle that grows with the
// position. Source: ONNX operator RotaryEmbedding, opset 23.
#include "halftone/op_kernel.hpp"
#include "ops/reals.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class RotaryEmbedding {
 public:
  explicit RotaryEmbedding(const sdk::OpNode &node)
      : interleaved_(node.flag("interleaved", false)),
        heads_(node.integer("num_heads", 0)),
        width_(node.integer("rotary_embedding_dim", 0)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    const Layout x = layout(inputs[0]);
    const std::int64_t half = turned(x) / 2, entries = count_of(inputs[1]);
    const std::int64_t rows = sdk::present(inputs, 3) ? inputs[1].shape[0] : x.batch * x.length;
    if (turned(x) % 2 != 0 || turned(x) > x.width || entries != rows * half || count_of(inputs[2]) != entries) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of X, cos_cache and sin_cache do not fit");
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Layout x = layout(inputs[0]);
    const std::int64_t half = turned(x) / 2;
    std::vector<double> y = reals_of(inputs[0]);
    const std::vector<double> cosines = reals_of(inputs[1]), sines = reals_of(inputs[2]);
    const Shape positions = sdk::present(inputs, 3) ? integers_of(inputs[3]) : Shape{};
    for (std::int64_t i = 0; i < x.batch * x.heads * x.length; ++i) {
      const std::int64_t b = i / x.heads / x.length, h = i / x.length % x.heads, t = i % x.length;
      const std::int64_t row =
          positions.empty() ? b * x.length + t : positions.at(static_cast<std::size_t>(b * x.length + t));
      if (row < 0 || (row + 1) * half > static_cast<std::int64_t>(cosines.size())) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "a position is outside of the caches");
      }
      double *vector = y.data() + (x.heads_first ? i : (b * x.length + t) * x.heads + h) * x.width;
      for (std::int64_t k = 0; k < half; ++k) {
        double &first = vector[interleaved_ ? 2 * k : k], &second = vector[interleaved_ ? 2 * k + 1 : k + half];
        const double c = cosines[static_cast<std::size_t>(row * half + k)], u = first, v = second;
        const double s = sines[static_cast<std::size_t>(row * half + k)];
        first = c * u - s * v;
        second = s * u + c * v;
      }
    }
    store_reals(y, outputs[0]);
  }

 private:
  struct Layout {
    std::int64_t batch, heads, length, width;
    bool heads_first;
  };
  Layout layout(const ht_tensor_view &x) const {
    if (x.rank == 4) return {x.shape[0], x.shape[1], x.shape[2], x.shape[3], true};
    if (x.rank != 3 || heads_ < 1 || x.shape[2] % heads_ != 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "X must have four axes, or three that num_heads divides");
    }
    return {x.shape[0], heads_, x.shape[1], x.shape[2] / heads_, false};
  }
  std::int64_t turned(const Layout &x) const { return width_ == 0 ? x.width : width_; }
  bool interleaved_;
  std::int64_t heads_, width_;
};

}  // namespace
HALFTONE_OP_KERNEL(RotaryEmbedding, "RotaryEmbedding", 23, kNewest)
}  // namespace halftone::reference
