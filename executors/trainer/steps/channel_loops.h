// Loops over tensors with channels on axis 1, in either order of the elements: sums per channel in double, and affine
// functions per channel.
#pragma once

#include <span>
#include <vector>

#include "../fake_quantizer.h"
#include "../tensor.h"

namespace halftone::trainer {

// How the channels of a tensor of rank 2 or more lie.
Grouping channels_of(const Tensor &tensor);

// The sums of x, and those of x * x behind them: 2 * channels numbers.
void add_moments(const Tensor &x, std::span<double> sums);
// The sums of d, and those of d * (x - shift) behind them. d has the order of x.
void add_products(const Tensor &d, const Tensor &x, std::span<const double> shift, std::span<double> sums);

// By channel: y = (x - shift) * factor + offset.
struct ChannelAffine {
  explicit ChannelAffine(std::size_t channels) : shift(channels), factor(channels), offset(channels) {}
  std::vector<float> shift, factor, offset;
};
void apply(const ChannelAffine &f, const Tensor &x, const Tensor &y);

// By channel: out = d * gain + (x - shift) * factor + offset. `out` may be `d`.
void apply(const ChannelAffine &f, std::span<const float> gain, const Tensor &d, const Tensor &x, const Tensor &out);

// Mean and population variance of each channel from count and moments.
struct ChannelMoments {
  double count = 0;
  std::vector<double> mean, variance;
  // `sums`: moments of `channels` channels.
  ChannelMoments(double count_, std::span<const double> sums, std::size_t channels);
};

}  // namespace halftone::trainer
