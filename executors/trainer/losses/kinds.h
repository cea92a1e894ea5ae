// The kinds of losses; `scale` is the loss's weight divided by the count that its mean is over. Each returns its part
// of the loss and adds to `gradient` unless that is null.
#pragma once

#include "loss.h"

namespace halftone::trainer {

// scale * sum |output - target|^exponent
double power_loss(std::size_t count, double exponent, double scale, const float *output, const float *target,
                  float *gradient);

// scale * sum over positions of -log softmax(output)[label]
double cross_entropy_loss(ClassLayout layout, const Shard &shard, double scale, const float *output,
                          const std::int64_t *labels, float *gradient);

// scale * temperature^2 * sum over positions of sum over classes p (log p - log q), p and q the softmax of target and
// output divided by the temperature
double divergence_loss(ClassLayout layout, double temperature, double scale, const float *output, const float *target,
                       float *gradient);

}  // namespace halftone::trainer
