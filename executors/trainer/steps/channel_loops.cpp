#include "channel_loops.h"

#include <algorithm>

namespace halftone::trainer {
namespace {

// Calls row(first element, channel, count) for neighbours of one channel, or line(first element) for channels side by
// side.
template <typename Row, typename Line>
void walk(const Grouping &g, const Row &row, const Line &line) {
  if (g.inner == 1) {
    for (std::size_t o = 0; o < g.outer; ++o) line(o * g.groups);
    return;
  }
  for (std::size_t o = 0; o < g.outer; ++o) {
    for (std::size_t c = 0; c < g.groups; ++c) row((o * g.groups + c) * g.inner, c, g.inner);
  }
}

}  // namespace

Grouping channels_of(const Tensor &tensor) {
  const auto channels = static_cast<std::size_t>(tensor.shape[1]);
  if (tensor.order == Order::kChannelsLast) return {tensor.count() / std::max<std::size_t>(channels, 1), channels, 1};
  Grouping g{static_cast<std::size_t>(tensor.shape[0]), channels, 1};
  for (std::size_t i = 2; i < tensor.shape.size(); ++i) g.inner *= static_cast<std::size_t>(tensor.shape[i]);
  return g;
}

void add_moments(const Tensor &x, std::span<double> sums) {
  const float *from = x.floats();
  const Grouping g = channels_of(x);
  double *first = sums.data(), *second = first + g.groups;
  walk(
      g,
      [&](std::size_t at, std::size_t c, std::size_t n) {
        double a = 0, b = 0;
        for (std::size_t i = at; i < at + n; ++i) {
          const double v{from[i]};
          a += v;
          b += v * v;
        }
        first[c] += a;
        second[c] += b;
      },
      [&](std::size_t at) {
        for (std::size_t c = 0; c < g.groups; ++c) {
          const double v{from[at + c]};
          first[c] += v;
          second[c] += v * v;
        }
      });
}

void add_products(const Tensor &d, const Tensor &x, std::span<const double> shift, std::span<double> sums) {
  const float *gradient = d.floats(), *from = x.floats();
  const Grouping g = channels_of(x);
  double *first = sums.data(), *second = first + g.groups;
  walk(
      g,
      [&](std::size_t at, std::size_t c, std::size_t n) {
        double a = 0, b = 0;
        for (std::size_t i = at; i < at + n; ++i) {
          a += double{gradient[i]};
          b += double{gradient[i]} * (double{from[i]} - shift[c]);
        }
        first[c] += a;
        second[c] += b;
      },
      [&](std::size_t at) {
        for (std::size_t c = 0; c < g.groups; ++c) {
          first[c] += double{gradient[at + c]};
          second[c] += double{gradient[at + c]} * (double{from[at + c]} - shift[c]);
        }
      });
}

void apply(const ChannelAffine &f, const Tensor &x, const Tensor &y) {
  const float *from = x.floats();
  float *to = y.floats();
  const Grouping g = channels_of(x);
  const float *shift = f.shift.data(), *factor = f.factor.data(), *offset = f.offset.data();
  walk(
      g,
      [&](std::size_t at, std::size_t c, std::size_t n) {
        for (std::size_t i = at; i < at + n; ++i) to[i] = (from[i] - shift[c]) * factor[c] + offset[c];
      },
      [&](std::size_t at) {
        for (std::size_t c = 0; c < g.groups; ++c) to[at + c] = (from[at + c] - shift[c]) * factor[c] + offset[c];
      });
}

void apply(const ChannelAffine &f, std::span<const float> gain, const Tensor &d, const Tensor &x, const Tensor &out) {
  const float *gradient = d.floats(), *from = x.floats();
  float *to = out.floats();
  const Grouping g = channels_of(x);
  const float *shift = f.shift.data(), *factor = f.factor.data(), *offset = f.offset.data();
  walk(
      g,
      [&](std::size_t at, std::size_t c, std::size_t n) {
        for (std::size_t i = at; i < at + n; ++i) {
          to[i] = gradient[i] * gain[c] + ((from[i] - shift[c]) * factor[c] + offset[c]);
        }
      },
      [&](std::size_t at) {
        for (std::size_t c = 0; c < g.groups; ++c) {
          const std::size_t i = at + c;
          to[i] = gradient[i] * gain[c] + ((from[i] - shift[c]) * factor[c] + offset[c]);
        }
      });
}

ChannelMoments::ChannelMoments(double count_, std::span<const double> sums, std::size_t channels)
    : count(count_), mean(channels), variance(channels) {
  for (std::size_t c = 0; c < channels && count > 0; ++c) {
    mean[c] = sums[c] / count;
    variance[c] = std::max(sums[channels + c] / count - mean[c] * mean[c], 0.0);
  }
}

}  // namespace halftone::trainer
