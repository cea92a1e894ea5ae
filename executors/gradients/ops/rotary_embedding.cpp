// Gradient of RotaryEmbedding: the same pairs turned back. Positions and caches are constant.
#include "ops/reals.h"
#include "ops/rotary.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

// kMicrosoft: inputs are X, positions and the caches, else X, the caches and positions, which may be absent: then each
// step of each sample has a row of its own in the caches.
template <bool kMicrosoft>
class RotaryGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(1, 2, 3), .differentiates = sdk::slots(0)};
  explicit RotaryGradient(const sdk::OpNode &node)
      : interleaved_(node.flag("interleaved", false)),
        heads_(node.integer("num_heads", 0)),
        width_(node.integer("rotary_embedding_dim", 0)) {
    if (node.flag("is_packed_batching", false)) throw sdk::Failure(HT_UNIMPLEMENTED, "is_packed_batching");
  }
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const ShapeSpan x = pass.input_shape(0);
    const bool heads_first = x.size() == 4;
    std::int64_t heads = heads_first ? x[1] : heads_;
    if (heads == 0) heads = x[2] / (2 * pass.input_shape(kCosines)[1]);
    const std::int64_t length = x[heads_first ? 2 : 1], width = heads_first ? x[3] : x[2] / heads;
    std::vector<double> sines = reference::reals_of(pass.input(kCosines + 1));
    for (double &sine : sines) sine = -sine;
    const reference::RotaryCaches caches = {reference::reals_of(pass.input(kCosines)), std::move(sines),
                                            (width_ == 0 ? width : width_) / 2, interleaved_};
    const bool given = pass.has_input(kPositions);
    const Shape positions = given ? integers_of(pass.input(kPositions)) : Shape{0};
    std::vector<double> d(pass.dy().begin(), pass.dy().end());
    for (std::int64_t i = 0; i < x[0] * heads * length; ++i) {
      const std::int64_t b = i / heads / length, h = i / length % heads, t = i % length, row = b * length + t;
      // One position is that of the first step.
      const std::int64_t position =
          positions.size() > 1 ? positions.at(static_cast<std::size_t>(row)) : positions.at(0) + (given ? t : row);
      caches.turn(d.data() + (heads_first ? i : row * heads + h) * width, position);
    }
    std::ranges::transform(d, pass.dx().begin(), [](double v) { return static_cast<float>(v); });
  }

 private:
  static constexpr std::size_t kCosines = kMicrosoft ? 2 : 1, kPositions = kMicrosoft ? 1 : 3;
  bool interleaved_;
  std::int64_t heads_, width_;
};
using OnnxRotaryEmbedding = RotaryGradient<false>;
using MicrosoftRotaryEmbedding = RotaryGradient<true>;

}  // namespace
HALFTONE_OP_GRADIENT(OnnxRotaryEmbedding, "RotaryEmbedding", 23, kNewest)
HALFTONE_OP_GRADIENT_OF("com.microsoft", MicrosoftRotaryEmbedding, "RotaryEmbedding", 1, 1)
}  // namespace halftone::gradients
