// RotaryEmbedding: pairs of features turned by an angle that grows with the position. Sources: ONNX operator
// RotaryEmbedding, opset 23; ONNX Runtime's ContribOperators.md for that of com.microsoft.
#include "halftone/op_kernel.hpp"
#include "ops/reals.h"
#include "ops/rotary.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

// kMicrosoft: inputs are X, positions and the caches, else X, the caches and positions, which may be absent: then each
// step of each sample has a row of its own in the caches.
template <bool kMicrosoft>
class RotaryEmbedding {
 public:
  explicit RotaryEmbedding(const sdk::OpNode &node)
      : interleaved_(node.flag("interleaved", false)),
        heads_(node.integer("num_heads", 0)),
        width_(node.integer("rotary_embedding_dim", 0)) {
    if (node.flag("is_packed_batching", false)) throw sdk::Failure(HT_UNIMPLEMENTED, "is_packed_batching");
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    if (inputs[kCosines].rank < 2) throw sdk::Failure(HT_INVALID_ARGUMENT, "cos_cache has no axis of positions");
    const Layout x = layout(inputs);
    const ht_tensor_view &cosines = inputs[kCosines], &sines = inputs[kCosines + 1];
    const std::int64_t half = turned(x) / 2, entries = count_of(cosines);
    const bool by_position = kMicrosoft || sdk::present(inputs, 3);
    const std::int64_t rows = by_position ? cosines.shape[0] : x.batch * x.length;
    constexpr std::size_t kPositions = kMicrosoft ? 1 : 3;
    const std::int64_t given = by_position ? count_of(inputs[kPositions]) : 1;
    if (given != x.batch * x.length && given != 1) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "position_ids is neither one position nor one per step");
    }
    if (turned(x) < 0 || turned(x) % 2 != 0 || turned(x) > x.width || entries != rows * half ||
        count_of(sines) != entries) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of X, cos_cache and sin_cache do not fit");
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Layout x = layout(inputs);
    const RotaryCaches caches = {reals_of(inputs[kCosines]), reals_of(inputs[kCosines + 1]), turned(x) / 2,
                                 interleaved_};
    const std::size_t slot = kMicrosoft ? 1 : 3;
    const Shape positions = sdk::present(inputs, slot) ? integers_of(inputs[slot]) : Shape{0};
    std::vector<double> y = reals_of(inputs[0]);
    for (std::int64_t i = 0; i < x.batch * x.heads * x.length; ++i) {
      const std::int64_t b = i / x.heads / x.length, h = i / x.length % x.heads, t = i % x.length;
      const std::int64_t row = b * x.length + t;
      // One position is that of the first step.
      std::int64_t position = positions[0] + (sdk::present(inputs, slot) ? t : row);
      if (static_cast<std::int64_t>(positions.size()) > 1) position = positions.at(static_cast<std::size_t>(row));
      caches.turn(y.data() + (x.heads_first ? i : row * x.heads + h) * x.width, position);
    }
    store_reals(y, outputs[0]);
  }

 private:
  static constexpr std::size_t kCosines = kMicrosoft ? 2 : 1;
  struct Layout {
    std::int64_t batch, heads, length, width;
    bool heads_first;
  };
  Layout layout(sdk::KernelInputs inputs) const {
    const ht_tensor_view &x = inputs[0];
    if (x.rank == 4) return {x.shape[0], x.shape[1], x.shape[2], x.shape[3], true};
    std::int64_t heads = heads_;
    if (x.rank == 3 && heads == 0 && kMicrosoft && inputs[kCosines].shape[1] > 0)
      heads = x.shape[2] / (2 * inputs[kCosines].shape[1]);
    if (x.rank != 3 || heads < 1 || x.shape[2] % heads != 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "X must have four axes, or three that num_heads divides");
    }
    return {x.shape[0], heads, x.shape[1], x.shape[2] / heads, false};
  }
  std::int64_t turned(const Layout &x) const { return width_ == 0 ? x.width : width_; }
  bool interleaved_;
  std::int64_t heads_, width_;
};
using OnnxRotaryEmbedding = RotaryEmbedding<false>;
using MicrosoftRotaryEmbedding = RotaryEmbedding<true>;

}  // namespace
HALFTONE_OP_KERNEL(OnnxRotaryEmbedding, "RotaryEmbedding", 23, kNewest)
HALFTONE_OP_KERNEL_OF("com.microsoft", MicrosoftRotaryEmbedding, "RotaryEmbedding", 1, 1)
}  // namespace halftone::reference
