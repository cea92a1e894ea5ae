// Clip between layers: what is known of its limits, and other operators in its place.
#pragma once

#include <optional>
#include <span>

#include "channel_classes.h"

namespace halftone::passes {

struct ClipLimits {
  std::optional<double> low, high;
  ht_dtype dtype = HT_F32;
};

// Nothing where a limit is not stored or not a scalar.
std::optional<ClipLimits> read_limits(const sdk::Graph &graph, const sdk::Node &clip);

// Relu instead of a Clip from 0: the upper limit is gone.
void replace_by_relu(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle clip);

// The same limits, each multiplied by the factor of its channel: Relu (or Max with a constant) and Min with a constant.
void scale_limits(const sdk::Graph &graph, const sdk::GraphEdit &edit, const SideConstant &clip,
                  std::span<const double> factors);

// Whether the platform of the run, if there is one, quantizes Min where it quantizes this Clip.
bool platform_takes_min(const sdk::Context &ctx, const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle clip);

}  // namespace halftone::passes
