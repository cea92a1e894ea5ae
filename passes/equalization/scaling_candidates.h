// Four ways to choose the factors of a site's channels.
#pragma once

#include <array>
#include <string_view>

#include "channel_classes.h"

namespace halftone::passes {

inline constexpr std::array<std::string_view, 4> kScalings = {"balanced", "widest", "widest less read", "mean"};

// Ranges of each class at a site; numbers of classes that are not there do not count. One object serves all sites, one
// after the other, so that a site costs no more than what it has.
struct SiteRanges {
  std::vector<std::uint32_t> ids;              // classes that layers downstream read, ascending
  std::vector<double> made, read, activation;  // by class
  explicit SiteRanges(std::size_t classes) : made(classes), read(classes), activation(classes) {}
};

// `activation_peaks`: of each class, before the factors in `total`.
void measure_site(const ChannelClasses &classes, const ChannelSite &site, const std::vector<double> &activation_peaks,
                  std::span<const double> total, SiteRanges &ranges);

struct ScalingOptions {
  double channel_ratio = 0.5;
  bool layer_norm = false;
};

// Sets the factors of the site's classes, among those of all, by scaling `which` of kScalings; 1 for classes that are
// frozen or have an empty range.
void set_candidate(const ChannelClasses &classes, const SiteRanges &ranges, std::size_t which,
                   const ScalingOptions &options, std::vector<double> &factors);

}  // namespace halftone::passes
