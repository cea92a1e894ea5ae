#include "shared_scale.h"

#include <algorithm>

namespace halftone::passes {

CodeRange range_of(const ht_quant_spec &spec, const Codes &codes, bool full) {
  const auto scale = static_cast<double>(codes.scale);
  if (spec.symmetry == HT_SYMMETRIC && !full && spec.quant_min < 0) {
    const double limit = scale * static_cast<double>(std::min(-spec.quant_min, spec.quant_max));
    return {-limit, limit};
  }
  return {scale * static_cast<double>(spec.quant_min - codes.zero_point),
          scale * static_cast<double>(spec.quant_max - codes.zero_point)};
}

Codes shared_codes(const ht_quant_spec &spec, std::span<const Codes> tensors, bool full,
                   const std::function<Codes(CodeRange)> &from_range) {
  CodeRange all;
  for (const Codes &codes : tensors) {
    const CodeRange r = range_of(spec, codes, full);
    all.low = std::min(all.low, r.low);
    all.high = std::max(all.high, r.high);
  }
  for (const Codes &codes : tensors) {
    const CodeRange r = range_of(spec, codes, full);
    if (!full && r.low <= all.low && r.high >= all.high) return codes;
  }
  return from_range(all);
}

ScaleSharing::ScaleSharing(const QuantizationPoints &points, bool force, bool one_hop)
    : points_(points), force_(force), one_hop_(one_hop) {
  for (const ht_handle config : points.configs.all()) {
    const ht_config_info info = points.configs.info(config);
    trees_[info.root].push_back(config);
    if (info.master != HT_NONE) slaves_[info.master].push_back(config);
  }
}

std::vector<ht_handle> ScaleSharing::members(ht_handle root) const {
  std::vector<ht_handle> present;
  const auto tree = trees_.find(root);
  if (tree == trees_.end()) return present;
  for (const ht_handle config : tree->second) {
    if (points_.root(config) == root) present.push_back(config);
  }
  return present;
}

bool ScaleSharing::is_private(ht_handle root, ht_handle input) const {
  const ht_handle reader = points_.configs.info(input).node;
  for (const ht_handle config : members(root)) {
    const ht_config_info info = points_.configs.info(config);
    const bool is_input = info.direction == HT_SLOT_INPUT;
    // A node on the way is fused with its output; one that is not reads the value for a purpose of its own.
    if (is_input && info.node != reader && points_.root(points_.configs.output(info.node, 0)) != root) return false;
    for (const ht_use &use : points_.graph.consumers(points_.value_of(info))) {
      const ht_handle other = points_.configs.input(use.node, use.slot);
      if (other == HT_NONE || points_.root(other) != root) return false;
    }
  }
  return true;
}

ht_handle ScaleSharing::producer_to_move(ht_handle input) {
  const ht_handle value = points_.value_of(points_.configs.info(input));
  const ht_handle producer = points_.producer_config(value);
  if (producer != HT_NONE && points_.is_pinned(producer)) return HT_NONE;
  const ht_handle upstream = found_upstream(input);
  return upstream != HT_NONE && points_.is_pinned(upstream) ? HT_NONE : upstream;
}

ht_handle ScaleSharing::found_upstream(ht_handle input) {
  const ht_handle value = points_.value_of(points_.configs.info(input));
  const ht_handle producer = points_.producer_config(value);
  if (points_.root_state(producer) == HT_STATE_FP32) {
    // Nothing quantizes the value before its readers, which may share the scale of one of them.
    const ht_handle source = points_.source(input);
    return force_ && source != input ? source : HT_NONE;
  }
  // A value that others read too moves only by force, as without the hop.
  if (one_hop_ && (force_ || points_.graph.value(value).info.consumer_count == 1)) {
    const ht_handle in = points_.configs.input(points_.configs.info(producer).node, 0);
    if (in != HT_NONE && in != producer && points_.root(in) == points_.root(producer)) {
      points_.configs.release(producer);
      return producer;
    }
  }
  if (force_) {
    const ht_handle source = points_.source(producer);
    const bool same = same_scheme(points_.configs.info(source).spec, points_.configs.info(input).spec);
    return same ? source : HT_NONE;
  }
  const ht_handle root = points_.root(producer);
  return points_.root(input) == root && is_private(root, input) ? root : HT_NONE;
}

void ScaleSharing::detach(ht_handle input) {
  const ht_config_info info = points_.configs.info(input);
  if (info.root != input || info.master != HT_NONE) {
    points_.configs.release(input);
    return;
  }
  if (force_ || info.scale_count != 1) return;
  const std::vector<float> scale(info.scales, info.scales + 1);
  const std::vector<std::int32_t> zero(info.zero_points, info.zero_points + 1);
  // The first that reads this scale keeps it as its own, and the others read that one's.
  ht_handle heir = HT_NONE;
  const auto inherit = [&](ht_handle config, bool dominated) {
    if (heir == HT_NONE) {
      points_.configs.release(config);
      points_.configs.set_scales(config, scale, zero, "kept when its former source was aligned");
      heir = config;
    } else if (dominated) {
      points_.configs.release(config);
      points_.configs.dominate(config, heir, "the same value as " + points_.describe(heir));
    } else {
      points_.configs.set_master(config, heir, "the same value as " + points_.describe(heir));
    }
  };
  for (const ht_handle config : members(input)) {
    if (config == input) continue;
    if (points_.root(config) == input) inherit(config, true);
    trees_[heir].push_back(config);
  }
  const auto slaves = slaves_.find(input);
  if (slaves == slaves_.end()) return;
  for (const ht_handle config : std::vector<ht_handle>(slaves->second)) {
    if (points_.configs.info(config).master != input) continue;
    if (points_.is_pinned(config)) continue;  // a fusion says that it has the scale of this one, whatever that is
    inherit(config, false);
    if (config != heir) slaves_[heir].push_back(config);
  }
}

void ScaleSharing::lead(ht_handle input, const Codes &codes, std::string_view reason) {
  const ht_handle upstream = producer_to_move(input);
  detach(input);
  points_.configs.set_scales(input, {&codes.scale, 1}, {&codes.zero_point, 1}, reason);
  points_.configs.set_state(input, HT_STATE_PASSIVE, reason);
  if (upstream == HT_NONE || points_.source(upstream) == input) return;
  points_.configs.set_master(upstream, input, reason);
  slaves_[input].push_back(upstream);
}

void ScaleSharing::follow(ht_handle input, ht_handle master, std::string_view reason) {
  const ht_handle source = points_.source(master);
  if (points_.source(input) == source) return;
  const ht_handle upstream = producer_to_move(input);
  detach(input);
  points_.configs.set_master(input, master, reason);
  slaves_[master].push_back(input);
  if (upstream == HT_NONE || upstream == input || points_.source(upstream) == source) return;
  points_.configs.set_master(upstream, master, reason);
  slaves_[master].push_back(upstream);
}

}  // namespace halftone::passes
