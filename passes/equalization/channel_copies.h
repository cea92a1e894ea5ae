// More channels between layers than there were: copies of some, so that their parts add up to what was.
#pragma once

#include <set>

#include "channel_classes.h"

namespace halftone::passes {

// One channel after the change: where it comes from, by what the layer before and the layer behind multiply its
// weights, and what the latter adds to them.
struct ChannelCopy {
  std::size_t source = 0;
  double made = 1, read = 1, added = 0;
};

// The values and nodes between the layers of a site, when nothing there depends on the number of channels.
struct ChannelPath {
  std::set<ht_handle> values, nodes;
};

// Nothing when a grouped convolution, a stored constant for each channel, a reshape, or a frozen channel is in the way.
std::optional<ChannelPath> open_path(const sdk::Graph &graph, const ChannelClasses &classes, const ChannelSite &site);

// Changes the layers of the site in memory; in the order of `copies`.
void copy_channels(ChannelClasses &classes, const ChannelSite &site, const std::vector<ChannelCopy> &copies);
// Stores them, and gives the values between them their new extent.
void store_copies(const sdk::Graph &graph, const sdk::GraphEdit &edit, const ChannelClasses &classes,
                  const ChannelSite &site, const ChannelPath &path, std::size_t channels);

}  // namespace halftone::passes
