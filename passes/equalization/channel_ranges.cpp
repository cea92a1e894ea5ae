#include "channel_ranges.h"

#include <algorithm>
#include <cmath>

#include "halftone/calibration.h"
#include "sampled_ranges.h"

namespace halftone::passes {
namespace {

ChannelRange range_of(const ht_statistics &seen, bool moments) {
  ChannelRange range;
  const auto count = static_cast<std::size_t>(seen.channel_count);
  range.low.assign(seen.channel_minimum, seen.channel_minimum + count);
  range.high.assign(seen.channel_maximum, seen.channel_maximum + count);
  if (!moments) return range;
  const double n = std::max(static_cast<double>(seen.channel_elements), 1.0);
  for (std::size_t c = 0; c < count; ++c) {
    const double mean = seen.channel_sum[c] / n;
    range.mean.push_back(mean);
    range.deviation.push_back(std::sqrt(std::max(seen.channel_square_sum[c] / n - mean * mean, 0.0)));
  }
  return range;
}

}  // namespace

double ChannelRange::peak(std::size_t index) const {
  return std::max(std::abs(low[index]), std::abs(high[index]));
}

std::map<ht_handle, ChannelRange> collect_ranges(const sdk::Context &ctx, const std::vector<RangeRequest> &requests,
                                                 bool moments) {
  const sdk::Graph graph(ctx);
  std::map<ht_handle, ChannelRange> ranges;
  std::vector<ht_statistics_request> wanted;
  std::vector<RangeRequest> doubles;
  for (const RangeRequest &request : requests) {
    if (graph.value(request.value).info.type.dtype == HT_F64) {
      doubles.push_back(request);  // statistics are taken of float32 alone
      continue;
    }
    if (!ranges.try_emplace(request.value).second) continue;
    ht_statistics_request one{};
    one.struct_size = sizeof(one);
    one.value = request.value;
    one.wants = HT_WANT_CHANNEL_RANGE | (moments ? HT_WANT_CHANNEL_MOMENTS : 0);
    one.channel_axis = static_cast<std::uint32_t>(request.axis);
    wanted.push_back(one);
  }
  if (wanted.empty()) return sample_ranges(ctx, doubles);
  const ht_collect_options options = {sizeof(ht_collect_options), 0, 0, 0, 0, 0};
  sdk::check(ctx.host.calibration->collect(ctx.raw, wanted.data(), wanted.size(), &options));
  for (auto &[value, range] : ranges) {
    const ht_statistics *seen = nullptr;
    sdk::check(ctx.host.calibration->statistics(ctx.raw, value, &seen));
    range = range_of(*seen, moments);
  }
  ranges.merge(sample_ranges(ctx, doubles));
  return ranges;
}

}  // namespace halftone::passes
