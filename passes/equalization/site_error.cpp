#include "site_error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace halftone::passes {
namespace {

// Parts of the whole range that an observer that cuts may end with.
constexpr std::array<double, 6> kParts = {1, 0.85, 0.7, 0.55, 0.4, 0.25};

struct Moments {
  std::vector<double> mean, variance;
};

// What the nearest codes add to each weight of a layer.
std::vector<double> rounding_of(const WeightedLayer &layer, const std::vector<double> &weights,
                                const ExpectedGrid &grid) {
  std::vector<double> error(weights.size(), 0.0);
  if (!grid.quantized) return error;
  const std::size_t scales = grid.per_channel ? layer.outputs : 1;
  std::vector<double> low(scales, 0.0), high(scales, 0.0);
  const auto row = [&](std::size_t i) { return grid.per_channel ? layer.output_of(i) : 0; };
  for (std::size_t i = 0; i < weights.size(); ++i) {
    low[row(i)] = std::min(low[row(i)], weights[i]);
    high[row(i)] = std::max(high[row(i)], weights[i]);
  }
  std::vector<GridStep> steps;
  for (std::size_t r = 0; r < scales; ++r) steps.push_back(grid.step(low[r], high[r]));
  for (std::size_t i = 0; i < weights.size(); ++i) error[i] = steps[row(i)].nearest(weights[i]) - weights[i];
  return error;
}

// Error of each channel of the kept positions, multiplied by `scale`, on one grid.
Moments channel_noise(const ChannelSample &seen, const std::vector<double> &scale, const GridStep &step) {
  const std::size_t channels = scale.size(), rows = seen.rows.size() / channels;
  Moments noise{std::vector<double>(channels, 0.0), std::vector<double>(channels, 0.0)};
  double *mean = noise.mean.data(), *variance = noise.variance.data();
  const GridStep grid = step;  // a copy, which the sums cannot change
  const float *row = seen.rows.data();
  for (std::size_t r = 0; r < rows; ++r, row += channels) {
    for (std::size_t c = 0; c < channels; ++c) {
      const double x = static_cast<double>(row[c]) * scale[c], error = grid.nearest(x) - x;
      mean[c] += error;
      variance[c] += error * error;
    }
  }
  for (std::size_t c = 0; c < channels; ++c) {
    noise.mean[c] /= static_cast<double>(rows);
    const double square = noise.variance[c] / static_cast<double>(rows);
    noise.variance[c] = std::max(square - noise.mean[c] * noise.mean[c], 0.0);
  }
  return noise;
}

// Of the grids that the observer may choose, the one with the least error, channels weighed by `importance`.
Moments best_noise(const ChannelSample &seen, const std::vector<double> &scale, const ExpectedGrid &grid,
                   const std::vector<double> &importance) {
  Moments best{std::vector<double>(scale.size(), 0.0), std::vector<double>(scale.size(), 0.0)};
  if (!grid.quantized) return best;
  double low = 0, high = 0, least = std::numeric_limits<double>::infinity();
  for (std::size_t c = 0; c < scale.size(); ++c) {
    low = std::min(low, seen.low[c] * scale[c]), high = std::max(high, seen.high[c] * scale[c]);
  }
  for (const double part : kParts) {
    Moments noise = channel_noise(seen, scale, grid.step(low * part, high * part));
    double sum = 0;
    for (std::size_t c = 0; c < scale.size(); ++c)
      sum += importance[c] * (noise.variance[c] + noise.mean[c] * noise.mean[c]);
    if (sum < least) best = std::move(noise), least = sum;
    if (!grid.cuts) break;
  }
  return best;
}

double share_that_is_not_zero(const ChannelSample &seen, std::size_t channel, std::size_t channels) {
  std::size_t count = 0;
  for (std::size_t i = channel; i < seen.rows.size(); i += channels) count += seen.rows[i] != 0 ? 1 : 0;
  return static_cast<double>(count) / static_cast<double>(seen.rows.size() / channels);
}

std::vector<double> input_scale(const std::vector<std::uint32_t> &ids, std::size_t inputs,
                                std::span<const double> total) {
  std::vector<double> scale(inputs, 1.0);
  for (std::size_t c = 0; c < ids.size(); ++c) scale[c] = total[ids[c]];
  return scale;
}

}  // namespace

bool SiteError::knows(const ChannelSite &site) const {
  bool quantized = false;
  for (const std::size_t i : site.downstream) {
    if (views_[i].seen == nullptr || views_[i].seen->rows.empty()) return false;
    quantized = quantized || views_[i].input.quantized || views_[i].weight.quantized;
  }
  return quantized;
}

double SiteError::of(const ChannelSite &site, std::span<const double> total, std::span<const double> factors) {
  measure_made(site, total, factors);
  double error = 0;
  for (const std::size_t i : site.downstream) error += read_error(i, total, factors);
  return error;
}

// What rounding the weights upstream adds to each class, before relays.
void SiteError::measure_made(const ChannelSite &site, std::span<const double> total, std::span<const double> factors) {
  const auto clear = [&](const std::vector<std::uint32_t> &ids) {
    for (const std::uint32_t id : ids) made_.mean[id] = made_.variance[id] = 0;
  };
  for (const std::size_t index : site.upstream) clear(classes_.layers[index].out);
  for (const std::size_t index : site.downstream) clear(classes_.layers[index].in);
  for (const std::size_t index : site.upstream) {
    const LayerChannels &channels = classes_.layers[index];
    const ChannelSample *seen = views_[index].seen;
    if (seen == nullptr || seen->mean.empty()) continue;
    const WeightedLayer &layer = channels.layer;
    const std::vector<double> scale = input_scale(channels.in, layer.inputs, total);
    std::vector<double> weights = layer.weight.data;
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] *= factors[channels.out[layer.output_of(i)]];
    const std::vector<double> error = rounding_of(layer, weights, views_[index].weight);
    for (std::size_t i = 0; i < error.size(); ++i) {
      const std::size_t c = layer.input_of(i);
      const std::uint32_t id = channels.out[layer.output_of(i)];
      made_.mean[id] += error[i] * seen->mean[c] * scale[c];
      made_.variance[id] += error[i] * error[i] * seen->variance[c] * scale[c] * scale[c];
    }
  }
}

double SiteError::read_error(std::size_t index, std::span<const double> total, std::span<const double> factors) const {
  const LayerChannels &channels = classes_.layers[index];
  const WeightedLayer &layer = channels.layer;
  const ChannelSample &seen = *views_[index].seen;
  std::vector<double> scale(layer.inputs), importance(layer.inputs, 0.0), weights = layer.weight.data;
  for (std::size_t c = 0; c < scale.size(); ++c) scale[c] = total[channels.in[c]] * factors[channels.in[c]];
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::size_t c = layer.input_of(i);
    weights[i] /= factors[channels.in[c]];
    importance[c] += weights[i] * weights[i];
  }
  const std::vector<double> rounding = rounding_of(layer, weights, views_[index].weight);
  Moments noise = best_noise(seen, scale, views_[index].input, importance);
  for (std::size_t c = 0; c < scale.size(); ++c) {
    const double share = share_that_is_not_zero(seen, c, scale.size());
    noise.mean[c] += share * made_.mean[channels.in[c]];
    noise.variance[c] += share * made_.variance[channels.in[c]];
  }
  // Errors about their mean are taken as independent of each other; means add up.
  std::vector<double> shift(layer.outputs, 0.0), mean(layer.outputs, 0.0);
  double error = 0, power = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::size_t c = layer.input_of(i), o = layer.output_of(i);
    const double given = weights[i] + rounding[i], variance = seen.variance[c] * scale[c] * scale[c];
    error += given * given * noise.variance[c] + rounding[i] * rounding[i] * variance;
    power += weights[i] * weights[i] * variance;
    shift[o] += given * noise.mean[c] + rounding[i] * seen.mean[c] * scale[c];
    mean[o] += weights[i] * seen.mean[c] * scale[c];
  }
  for (std::size_t o = 0; o < shift.size(); ++o) error += shift[o] * shift[o], power += mean[o] * mean[o];
  return power > 0 ? error / power : 0;
}

}  // namespace halftone::passes
