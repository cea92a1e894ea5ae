// The walk over all products of a convolution, on which the gradients of Conv and ConvTranspose are built.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/window.h"
#include "sums.h"

namespace halftone::gradients {

// A convolution from planes of `wide` to planes of `narrow` positions: filter (n, w, tap) takes channel w of a group
// around a position to its channel n. Conv's input is the wide side, ConvTranspose's the narrow one.
struct Columns {
  reference::Window window;
  std::vector<std::int32_t> table;
  std::int64_t batch, groups, wide_channels, narrow_channels;  // channels of one group
  std::int64_t taps, positions, plane;

  Columns(reference::Window the_window, std::int64_t samples, std::int64_t group_count, std::int64_t wide,
          std::int64_t narrow)
      : window(std::move(the_window)),
        table(reference::window_table(window)),
        batch(samples),
        groups(group_count),
        wide_channels(wide),
        narrow_channels(narrow),
        taps(window.taps()),
        positions(window.positions()),
        plane(count_of(window.input)) {}

  // Offsets of planes: channel `c` of a group of a sample.
  std::int64_t wide_plane(std::int64_t n, std::int64_t g, std::int64_t c) const {
    return ((n * groups + g) * wide_channels + c) * plane;
  }
  std::int64_t narrow_plane(std::int64_t n, std::int64_t g, std::int64_t c) const {
    return ((n * groups + g) * narrow_channels + c) * positions;
  }

  // visit(sample, group, narrow channel, wide channel, tap) for each run of products that share one filter element.
  template <typename Visit>
  void each_filter(Visit visit) const {
    for (std::int64_t n = 0; n < batch; ++n) {
      for (std::int64_t g = 0; g < groups; ++g) {
        for (std::int64_t o = 0; o < narrow_channels; ++o) {
          for (std::int64_t i = 0; i < wide_channels; ++i) {
            for (std::int64_t t = 0; t < taps; ++t) visit(n, g, o, i, t);
          }
        }
      }
    }
  }
  // wide += narrow * filter.
  void spread(const float *narrow, const float *filters, double *wide) const {
    each_filter([&](std::int64_t n, std::int64_t g, std::int64_t o, std::int64_t i, std::int64_t t) {
      const auto filter = static_cast<double>(filters[filter_at(g, o, i, t)]);
      const float *from = narrow + narrow_plane(n, g, o);
      double *to = wide + wide_plane(n, g, i);
      const std::int32_t *taken = table.data() + t * positions;
      for (std::int64_t p = 0; p < positions; ++p) {
        if (taken[p] >= 0) to[taken[p]] += static_cast<double>(from[p]) * filter;
      }
    });
  }
  // narrow += wide * filter.
  void gather(const float *wide, const float *filters, double *narrow) const {
    each_filter([&](std::int64_t n, std::int64_t g, std::int64_t o, std::int64_t i, std::int64_t t) {
      const auto filter = static_cast<double>(filters[filter_at(g, o, i, t)]);
      const float *from = wide + wide_plane(n, g, i);
      double *to = narrow + narrow_plane(n, g, o);
      const std::int32_t *taken = table.data() + t * positions;
      for (std::int64_t p = 0; p < positions; ++p) {
        if (taken[p] >= 0) to[p] += static_cast<double>(from[taken[p]]) * filter;
      }
    });
  }
  // filters += wide * narrow.
  void correlate(const float *wide, const float *narrow, double *filters) const {
    each_filter([&](std::int64_t n, std::int64_t g, std::int64_t o, std::int64_t i, std::int64_t t) {
      const float *a = wide + wide_plane(n, g, i), *b = narrow + narrow_plane(n, g, o);
      const std::int32_t *taken = table.data() + t * positions;
      double sum = 0;
      for (std::int64_t p = 0; p < positions; ++p) {
        if (taken[p] >= 0) sum += static_cast<double>(a[taken[p]]) * static_cast<double>(b[p]);
      }
      filters[filter_at(g, o, i, t)] += sum;
    });
  }

 private:
  std::int64_t filter_at(std::int64_t g, std::int64_t o, std::int64_t i, std::int64_t t) const {
    return ((g * narrow_channels + o) * wide_channels + i) * taps + t;
  }
};

// The bias gradient: dy summed over all but the channels.
inline void sum_channels(const sdk::Backward &pass, std::size_t slot) {
  if (!pass.wants(slot)) return;
  const ShapeSpan shape = pass.output_shape();
  const std::int64_t plane = count_of(shape, 2, shape.size());
  const auto dy = pass.dy();
  Sums sums(pass.dx(slot));
  for (std::size_t i = 0; i < dy.size(); ++i) {
    sums[static_cast<std::int64_t>(i) / plane % shape[1]] += static_cast<double>(dy[i]);
  }
  sums.store();
}

}  // namespace halftone::gradients
