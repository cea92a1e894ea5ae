#include "fold_step.h"

#include <algorithm>
#include <cmath>

#include "../parameters.h"

namespace halftone::trainer {
// Count; moments of c; moments of t where there is one.
std::vector<double> FoldStep::forward_sums(const ShardRun &run) const {
  const std::size_t channels = fold().count();
  const bool apart = fold().any_apart;
  std::vector<double> sums(1 + (apart ? 4 : 2) * channels);
  const Tensor &c = in(run, 0);
  sums[0] = static_cast<double>(c.count() / channels);
  add_moments(c, std::span(sums).subspan(1, 2 * channels));
  if (apart) add_moments(in(run, 1), std::span(sums).subspan(1 + 2 * channels));
  return sums;
}

auto FoldStep::batch(const std::vector<double> &sums) const -> Batch {
  const Fold &f = fold();
  const std::size_t channels = f.count();
  Batch b{ChannelMoments(sums[0], std::span(sums).subspan(1), channels), std::vector<double>(channels), {}};
  b.shift = b.moments.mean;
  if (f.any_apart) {
    const ChannelMoments t(sums[0], std::span(sums).subspan(1 + 2 * channels), channels);
    for (std::size_t c = 0; c < channels; ++c) {
      if (f.apart[c] == 0) continue;
      b.moments.mean[c] = t.mean[c];
      b.moments.variance[c] = t.variance[c];
      b.shift[c] = 0;
    }
  }
  for (std::size_t c = 0; c < channels; ++c) {
    const bool apart = f.any_apart && f.apart[c] != 0;
    const double variance = apart ? b.moments.variance[c] : b.moments.variance[c] / (f.factor[c] * f.factor[c]);
    b.deviation[c] = std::sqrt(variance + f.epsilon);
  }
  return b;
}

void FoldStep::forward(ShardRun &run) const {
  const Tensor c = in(run, 0);
  if (!run.kind.soft) {
    out(run, 0) = c;
    return;
  }
  const Fold &f = fold();
  const Batch b = batch((*run.met)[number].forward);
  ChannelAffine affine(f.count());
  for (std::size_t i = 0; i < f.count(); ++i) {
    double offset{f.beta[i]};
    if (f.any_apart && f.apart[i] != 0) offset -= double{f.gamma[i]} * b.moments.mean[i] / b.deviation[i];
    affine.shift[i] = static_cast<float>(b.shift[i]);
    affine.factor[i] = static_cast<float>(f.deviation[i] / b.deviation[i]);
    affine.offset[i] = static_cast<float>(offset);
  }
  Tensor y = make_like(run.pool, c);
  apply(affine, c, y);
  out(run, 0) = std::move(y);
}

std::vector<double> FoldStep::backward_sums(const ShardRun &run) const {
  const Tensor &c = in(run, 0);
  const Batch b = batch((*run.met)[number].forward);
  std::vector<double> sums(2 * fold().count());
  add_products(in_order(run.pool, arrived(run, 0), c.order), c, b.shift, sums);
  return sums;
}

void FoldStep::backward(ShardRun &run) const {
  const Fold &f = fold();
  const Tensor c = in(run, 0);
  const std::vector<double> &sums = (*run.met)[number].backward;
  const Batch b = batch((*run.met)[number].forward);
  if (f.any_apart && wanted(1)) backward_apart(run, b, sums);
  if (!wanted(0)) return;
  ChannelAffine affine(f.count());
  std::vector<float> gain(f.count());
  for (std::size_t i = 0; i < f.count(); ++i) {
    const double k = f.deviation[i] / b.deviation[i];
    gain[i] = static_cast<float>(k);
    if (f.any_apart && f.apart[i] != 0) continue;
    const double of_u = f.factor[i] * f.factor[i] * b.deviation[i] * b.deviation[i];
    affine.shift[i] = static_cast<float>(b.shift[i]);
    affine.offset[i] = static_cast<float>(-k * sums[i] / b.moments.count);
    affine.factor[i] = static_cast<float>(-k * sums[f.count() + i] / (b.moments.count * of_u));
  }
  const Tensor dy = in_order(run.pool, arrived(run, 0), c.order);
  Tensor dc = make_like(run.pool, c);
  apply(affine, gain, dy, c, dc);
  run.deliver(inputs[0], std::move(dc));
}

// What flows through mean and variance of t; t itself is in no output.
void FoldStep::backward_apart(ShardRun &run, const Batch &b, const std::vector<double> &sums) const {
  const Fold &f = fold();
  const Tensor t = in(run, 1);
  ChannelAffine affine(f.count());
  for (std::size_t i = 0; i < f.count(); ++i) {
    if (f.apart[i] == 0) continue;
    const double mean = b.moments.mean[i], deviation = b.deviation[i], gamma{f.gamma[i]};
    const double by_deviation =
        (sums[i] * gamma * mean - sums[f.count() + i] * f.deviation[i]) / (deviation * deviation);
    affine.shift[i] = static_cast<float>(mean);
    affine.offset[i] = static_cast<float>(-gamma / deviation * sums[i] / b.moments.count);
    affine.factor[i] = static_cast<float>(by_deviation / (deviation * b.moments.count));
  }
  Tensor dt = make_like(run.pool, t);
  apply(affine, t, dt);
  run.deliver(inputs[1], std::move(dt));
}

// Of gamma: through the normalization and 1 / s together; what flows through W * s is found with the weight.
void FoldStep::collect(const MeetingSums &sums, Program &program) const {
  const Fold &f = fold();
  if (f.gamma_learned < 0 || sums.backward.empty()) return;
  const Batch b = batch(sums.forward);
  std::vector<float> &gamma = program.learned[static_cast<std::size_t>(f.gamma_learned)].gradient;
  std::vector<float> &beta = program.learned[static_cast<std::size_t>(f.beta_learned)].gradient;
  for (std::size_t i = 0; i < f.count(); ++i) {
    beta[i] += static_cast<float>(sums.backward[i]);
    const double deviation = b.deviation[i];
    if (f.any_apart && f.apart[i] != 0) {
      gamma[i] -= static_cast<float>(b.moments.mean[i] / deviation * sums.backward[i]);
    } else {
      const double variance = b.moments.variance[i] / (f.factor[i] * f.factor[i]);
      gamma[i] += static_cast<float>(sums.backward[f.count() + i] * variance /
                                     (f.factor[i] * deviation * deviation * deviation));
    }
  }
}

void FoldStep::take_statistics(const MeetingSums &sums, std::uint32_t batches) const {
  Fold &f = fold();
  const Batch b = batch(sums.forward);
  if (b.moments.count == 0) return;
  const float *bias = source_of(program_, program_.parameters[static_cast<std::size_t>(f.bias)]);
  const double old = weight_of_old(batches, f.momentum);
  for (std::size_t i = 0; i < f.count(); ++i) {
    const double s = f.any_apart && f.apart[i] != 0 ? 1.0 : f.factor[i];
    const double mean = b.moments.mean[i] / s + f.bias_factor * double{bias[i]};
    const double variance = b.moments.variance[i] / (s * s);
    f.mean[i] = static_cast<float>(old * double{f.mean[i]} + (1 - old) * mean);
    f.variance[i] = static_cast<float>(old * double{f.variance[i]} + (1 - old) * variance);
  }
}

void ApartStep::forward(ShardRun &run) const {
  const Fold &fold = *program_.folds[static_cast<std::size_t>(number_)];
  if (run.kind.soft && fold.any_apart) return layer_->forward(run);
  out(run, 0) = Tensor();
}

void ApartStep::tell_layer() {
  layer_->number = number;
  layer_->graph_node = graph_node;
  layer_->label = label;
  layer_->inputs = inputs;
  layer_->outputs = outputs;
  layer_->wants = wants;
  layer_->backward_runs = backward_runs;
}

void ApartStep::look_up_gradient(const sdk::Context &ctx) {
  tell_layer();
  layer_->look_up_gradient(ctx);
}

void ApartStep::prepare_backward(const sdk::Context &ctx) {
  tell_layer();
  layer_->prepare_backward(ctx);
}

void ApartStep::seal() {
  tell_layer();
  layer_->seal();
}

}  // namespace halftone::trainer
