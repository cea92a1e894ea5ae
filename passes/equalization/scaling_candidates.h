// Four ways to choose the factors of a site's channels.
#pragma once

#include <array>
#include <string_view>

#include "channel_classes.h"

namespace halftone::passes {

inline constexpr std::array<std::string_view, 4> kScalings = {"balanced", "widest", "widest less read", "mean"};

// Ranges of each class at a site; numbers of classes that are not there do not count.
struct SiteRanges {
  std::vector<std::uint32_t> ids;
  std::vector<double> made, read, activation;  // by class
};

// `activation_peaks`: of each class, before the factors in `total`.
SiteRanges site_ranges(const ChannelClasses &classes, const ChannelSite &site,
                       const std::vector<double> &activation_peaks, std::span<const double> total);

struct ScalingOptions {
  double channel_ratio = 0.5;
  bool layer_norm = false;
};

// Factors of each class by scaling `which` of kScalings; 1 for classes that are frozen or have an empty range.
std::vector<double> candidate(const ChannelClasses &classes, const SiteRanges &ranges, std::size_t which,
                              const ScalingOptions &options);

}  // namespace halftone::passes
