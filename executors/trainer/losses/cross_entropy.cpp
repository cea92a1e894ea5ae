// Cross-entropy of labels: -log softmax(output)[label], whose gradient is softmax(output) minus one at the label.
#include <string>

#include "halftone/status.hpp"
#include "kinds.h"
#include "softmax.h"

namespace halftone::trainer {
namespace {

// Of position `at` of the shard, counted over rows and positions.
std::size_t label_of(ClassLayout layout, const Shard &shard, const std::int64_t *labels, std::size_t at) {
  const std::int64_t label = labels[at];
  if (label >= 0 && label < static_cast<std::int64_t>(layout.classes)) return static_cast<std::size_t>(label);
  const std::size_t per_row = layout.positions() / static_cast<std::size_t>(shard.shape[0]);
  throw sdk::Failure(HT_INVALID_ARGUMENT, "label " + std::to_string(label) + " of row " +
                                              std::to_string(shard.first_row + at / per_row) +
                                              " of the batch is no class; the output has classes 0 to " +
                                              std::to_string(layout.classes - 1));
}

}  // namespace

double cross_entropy_loss(ClassLayout layout, const Shard &shard, double scale, const float *output,
                          const std::int64_t *labels, float *gradient) {
  std::vector<double> logs(layout.classes);
  double sum = 0;
  for (std::size_t at = 0; at < layout.positions(); ++at) {
    const std::size_t base = at / layout.inner * layout.classes * layout.inner + at % layout.inner;
    const std::size_t label = label_of(layout, shard, labels, at);
    log_softmax(output + base, layout.inner, 1, logs);
    sum -= logs[label];
    if (gradient == nullptr) continue;
    for (std::size_t c = 0; c < layout.classes; ++c) {
      const double slope = std::exp(logs[c]) - (c == label ? 1.0 : 0.0);
      gradient[base + c * layout.inner] += static_cast<float>(scale * slope);
    }
  }
  return scale * sum;
}

}  // namespace halftone::trainer
