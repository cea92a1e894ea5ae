// QDrop: LSQ on activations, where every element keeps its quantization with a probability and is else passed as it is,
// forward and backward. What is dropped depends on the seed, the step, the point and the element's place in the batch.
// `keep` is the probability of being quantized (MQBench calls the same number a dropping probability).
#include <cmath>

#include "lsq.h"
#include "wide_steps.h"

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
    if (!fits_float32(spec)) refuse_point("qdrop", "is for ranges of at most 2^24 codes");
  }

 protected:
  const DropMask *kept_of(const Draw &draw, std::size_t count, DropMask &room) const override {
    room = DropMask(draw, threshold_, count);
    return &room;
  }

 private:
  std::uint64_t threshold_;
};

const sdk::Params &qdrop_parameters() {
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
                             &qdrop_parameters,
                             [](const PointSpec &spec, const MethodArguments &arguments) {
                               return std::unique_ptr<FakeQuantizer>(std::make_unique<QDrop>(spec, arguments));
                             }};
  return method;
}

}  // namespace halftone::trainer
