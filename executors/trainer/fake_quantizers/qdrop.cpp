// QDrop: LSQ on activations, where every element keeps its quantization with a probability and is else passed as it is,
// forward and backward. What is dropped depends on the seed, the step, the point and the element's place in the batch.
// `keep` is the probability of being quantized (MQBench calls the same number a dropping probability).
#include <algorithm>
#include <cmath>

#include "lsq.h"
#include "philox.h"

namespace halftone::trainer {
namespace {

// 64 elements are 16 counters of four words: element e of a tile has word e / 16 of counter e % 16.
constexpr std::size_t kLanes = 16, kTile = 4 * kLanes;

class QDrop final : public LearnedStep {
 public:
  QDrop(const PointSpec &spec, const MethodArguments &arguments)
      : LearnedStep(spec, arguments, true),
        threshold_(static_cast<std::uint64_t>(std::llround(arguments.number("keep") * 0x1p32))) {
    if (spec.is_weight) refuse_point("qdrop", "is for activations; use 'adaround' or 'lsq' for weights");
    refuse_power_of_two(spec, "qdrop");
    refuse_float8(spec, "qdrop");
  }

  void forward(const PointState &state, Grouping g, const float *x, float *y, const Draw &draw,
               bool soft) const override {
    if (!soft) {
      LearnedStep::forward(state, g, x, y, draw, soft);
      return;
    }
    std::vector<float> quantized(g.size());
    LearnedStep::forward(state, g, x, quantized.data(), draw, soft);
    each_kept(draw, g.size(), [&](std::size_t i, bool kept) { y[i] = kept ? quantized[i] : x[i]; });
  }

  void backward(const PointState &state, Grouping g, const float *x, const float *dy, float *dx,
                PointGradients gradients, const Draw &draw) const override {
    std::vector<float> kept_dy(g.size());
    each_kept(draw, g.size(), [&](std::size_t i, bool kept) { kept_dy[i] = kept ? dy[i] : 0.0F; });
    std::vector<float> kept_dx(dx == nullptr ? 0 : g.size());
    LearnedStep::backward(state, g, x, kept_dy.data(), dx == nullptr ? nullptr : kept_dx.data(), gradients, draw);
    if (dx == nullptr) return;
    each_kept(draw, g.size(), [&](std::size_t i, bool kept) { dx[i] = kept ? kept_dx[i] : dy[i]; });
  }

 private:
  template <class Visit>
  void each_kept(const Draw &draw, std::size_t count, const Visit &visit) const {
    std::uint32_t words[4][kLanes];
    std::size_t i = 0;
    while (i < count) {
      const std::uint64_t element = draw.first_element + i, tile = element / kTile;
      for (std::size_t l = 0; l < kLanes; ++l) {
        words[0][l] = static_cast<std::uint32_t>(tile * kLanes + l);
        words[1][l] = static_cast<std::uint32_t>(draw.point);
        words[2][l] = static_cast<std::uint32_t>(draw.step);
        words[3][l] = static_cast<std::uint32_t>(draw.step >> 32);
      }
      philox(words, draw.seed);
      const std::uint32_t *numbers = &words[0][0];
      const std::size_t first = element % kTile, last = std::min(kTile, first + (count - i));
      for (std::size_t e = first; e < last; ++e) visit(i + e - first, numbers[e] < threshold_);
      i += last - first;
    }
  }

  std::uint64_t threshold_;
};

const sdk::Params &parameters() {
  static const sdk::Params table = [] {
    sdk::Params p;
    p.number("keep", "probability that an element is quantized while learning; 1: always", 0.5, 0.0, 1.0);
    add_learned_step_parameters(p);
    return p;
  }();
  return table;
}

}  // namespace

const Method &qdrop_method() {
  static const Method method{"qdrop",
                             "Activations are quantized at random",
                             "While learning, quantizes each element with a probability; learns the scale and, of "
                             "asymmetric points, the zero point.",
                             "Wei et al. 2022, arXiv:2203.05740",
                             &parameters,
                             [](const PointSpec &spec, const MethodArguments &arguments) {
                               return std::unique_ptr<FakeQuantizer>(std::make_unique<QDrop>(spec, arguments));
                             }};
  return method;
}

}  // namespace halftone::trainer
