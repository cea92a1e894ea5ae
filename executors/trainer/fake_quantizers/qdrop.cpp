// QDrop: LSQ on activations, where every element keeps its quantization with a probability and is else passed as it is,
// forward and backward. What is dropped depends on the seed, the step, the point and the element's place in the batch.
// `keep` is the probability of being quantized (MQBench calls the same number a dropping probability).
#include <algorithm>
#include <cmath>

#include "drop_mask.h"
#include "lsq.h"

namespace halftone::trainer {
namespace {

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
    const std::vector<std::uint32_t> kept = drop_mask(draw, threshold_, g.size());
    std::vector<float> quantized(g.size());
    LearnedStep::forward(state, g, x, quantized.data(), draw, soft);
    for (std::size_t i = 0; i < kept.size(); ++i) y[i] = kept[i] != 0 ? quantized[i] : x[i];
  }

  void backward(const PointState &state, Grouping g, const float *x, const float *dy, float *dx,
                PointGradients gradients, const Draw &draw) const override {
    const std::vector<std::uint32_t> kept = drop_mask(draw, threshold_, g.size());
    std::vector<float> own(g.size());  // dy of what is quantized, then dx of it
    for (std::size_t i = 0; i < kept.size(); ++i) own[i] = kept[i] != 0 ? dy[i] : 0.0F;
    LearnedStep::backward(state, g, x, own.data(), own.data(), gradients, draw);
    if (dx == nullptr) return;
    for (std::size_t i = 0; i < kept.size(); ++i) dx[i] = kept[i] != 0 ? own[i] : dy[i];
  }

 private:
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
