#include "norm_step.h"

#include <cmath>

namespace halftone::trainer {

namespace {

// Sums are added in one order, however other readers of x want it to lie by now: that may depend on which of them
// computed first.
Tensor in_fixed_order(const ShardRun &run, const Tensor &tensor) {
  return in_order(run.pool, tensor, can_be_channels_last(tensor) ? Order::kChannelsLast : Order::kPlain);
}

}  // namespace

NormStep::NormStep(const sdk::Context &ctx, const sdk::Node &node, Program &program)
    : StepWithPlainForm(ctx, node),
      program_(program),
      epsilon_(sdk::Graph(ctx).attribute_float(node.handle, "epsilon", 1e-5)),
      momentum_(sdk::Graph(ctx).attribute_float(node.handle, "momentum", 0.9)) {}

std::vector<double> NormStep::forward_sums(const ShardRun &run) const {
  const Tensor &x = in(run, 0);
  if (x.dtype != HT_F32 || x.shape.size() < 2) {
    throw sdk::Failure(HT_UNIMPLEMENTED, label + ": only float32 of two axes or more is normalized by the batch",
                       graph_node);
  }
  const auto channels = static_cast<std::size_t>(x.shape[1]);
  std::vector<double> sums(1 + 2 * channels);
  sums[0] = channels == 0 ? 0 : static_cast<double>(x.count() / channels);
  add_moments(in_fixed_order(run, x), std::span(sums).subspan(1));
  return sums;
}

void NormStep::forward(ShardRun &run) const {
  if (!run.kind.soft) return plain_.forward(run);
  const ChannelMoments m = moments((*run.met)[number].forward);
  const float *scale = in(run, 1).floats(), *bias = in(run, 2).floats();
  ChannelAffine affine(m.mean.size());
  for (std::size_t c = 0; c < m.mean.size(); ++c) {
    affine.shift[c] = static_cast<float>(m.mean[c]);
    affine.factor[c] = static_cast<float>(double{scale[c]} / std::sqrt(m.variance[c] + epsilon_));
    affine.offset[c] = bias[c];
  }
  const Tensor &x = in(run, 0);
  Tensor y = make_like(run.pool, x);
  apply(affine, x, y);
  out(run, 0) = std::move(y);
}

std::vector<double> NormStep::backward_sums(const ShardRun &run) const {
  const Tensor x = in_fixed_order(run, in(run, 0));
  const ChannelMoments m = moments((*run.met)[number].forward);
  std::vector<double> sums(2 * m.mean.size());
  add_products(in_order(run.pool, arrived(run, 0), x.order), x, m.mean, sums);
  return sums;
}

void NormStep::backward(ShardRun &run) const {
  const Tensor x = in(run, 0);
  const ChannelMoments m = moments((*run.met)[number].forward);
  const std::vector<double> &all = (*run.met)[number].backward, &own = run.parts[number].backward;
  const std::size_t channels = m.mean.size();
  const float *scale = in(run, 1).floats();
  ChannelAffine affine(channels);
  std::vector<float> gain(channels);
  Tensor to_scale = make_tensor(run.pool, HT_F32, in(run, 1).shape);
  Tensor to_bias = make_tensor(run.pool, HT_F32, in(run, 2).shape);
  for (std::size_t c = 0; c < channels; ++c) {
    const double deviation = std::sqrt(m.variance[c] + epsilon_), k = double{scale[c]} / deviation;
    gain[c] = static_cast<float>(k);
    affine.shift[c] = static_cast<float>(m.mean[c]);
    affine.offset[c] = static_cast<float>(-k * all[c] / m.count);
    affine.factor[c] = static_cast<float>(-k * all[channels + c] / (m.count * deviation * deviation));
    to_bias.floats()[c] = static_cast<float>(own[c]);
    to_scale.floats()[c] = static_cast<float>(own[channels + c] / deviation);
  }
  if (wanted(1)) run.deliver(inputs[1], std::move(to_scale));
  if (wanted(2)) run.deliver(inputs[2], std::move(to_bias));
  if (!wanted(0)) return;
  const Tensor dy = in_order(run.pool, arrived(run, 0), x.order);
  Tensor dx = make_like(run.pool, x);
  apply(affine, gain, dy, x, dx);
  run.deliver(inputs[0], std::move(dx));
}

void NormStep::take_statistics(const MeetingSums &sums, std::uint32_t batches) const {
  const ChannelMoments m = moments(sums.forward);
  if (m.count == 0) return;
  const double old = weight_of_old(batches, momentum_);
  const auto mix = [&](int weight, const std::vector<double> &found) {
    std::vector<float> &values = program_.weights[static_cast<std::size_t>(weight)]->values;
    for (std::size_t c = 0; c < values.size(); ++c) {
      values[c] = static_cast<float>(old * double{values[c]} + (1 - old) * found[c]);
    }
  };
  mix(mean_, m.mean);
  mix(variance_, m.variance);
}

}  // namespace halftone::trainer
