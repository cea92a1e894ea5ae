#include "implied_means.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <unordered_map>

#include "halftone/channel_normal.hpp"

namespace halftone::passes {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

// Of each index of axis 1. Where `clipped`, the channels are these distributions; otherwise only center (the mean),
// deviation, and the limits that no number exceeds are known.
struct Channels {
  std::vector<ClippedNormal> each;
  bool clipped = true;
};
using Known = std::optional<Channels>;

Channels means_only(const Channels &in) {
  if (!in.clipped) return in;
  Channels out{in.each, false};
  for (ClippedNormal &c : out.each) c = {c.mean(), std::sqrt(c.variance()), c.low, c.high};
  return out;
}

bool is_layer(const sdk::Node &node) {
  return node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm");
}

class Walk {
 public:
  explicit Walk(const sdk::Graph &graph) : graph_(graph) {}

  void visit(ht_handle handle) {
    const sdk::Node node = graph_.node(handle);
    if (node.output(0) == HT_NONE || !node.domain().empty()) return;
    if (Known made = is_layer(node) ? noted(node) : handed_on(node)) known_[node.output(0)] = std::move(*made);
  }

  const Channels *find(ht_handle value) const {
    const auto found = known_.find(value);
    return found == known_.end() ? nullptr : &found->second;
  }

 private:
  Known noted(const sdk::Node &layer) const {
    const auto normal = sdk::noted_normal(graph_, layer.output(0));
    if (!normal) return std::nullopt;
    Channels out;
    for (std::size_t c = 0; c < normal->mean.size(); ++c)
      out.each.push_back({normal->mean[c], normal->deviation[c], -kInfinite, kInfinite});
    return out;
  }

  Known handed_on(const sdk::Node &node) const {
    if (node.is("Add") || node.is("Sub") || node.is("Sum")) return summed(node);
    if (node.is("Concat")) return joined(node);
    if (node.is("Min") || node.is("Max")) return limited(node);
    const Channels *in = find(node.input(0));
    if (in == nullptr) return std::nullopt;
    if (node.is("Identity") || node.is("Dropout")) return *in;
    if (node.is("Relu")) return clip(*in, {0.0}, {kInfinite});
    if (node.is("Clip")) return clip(*in, limits(node, 1, "min", -kInfinite), limits(node, 2, "max", kInfinite));
    if (node.is("LeakyRelu")) return leaky(*in, {graph_.attribute_float(node.handle, "alpha", 0.01)});
    if (node.is("PRelu")) return leaky(*in, stored(node.input(1), in->each.size()));
    if (node.is("GlobalAveragePool") || is_mean_of_windows(node) || is_mean_of_positions(node)) return means_only(*in);
    if (node.is("Slice") && is_slice_of_positions(node)) return *in;
    if (node.is("Pad")) return padded(node, *in);
    if (node.is("Flatten") || node.is("Reshape") || node.is("Squeeze")) return flattened(node, *in);
    return std::nullopt;
  }

  // One number, or one for each of `channels`; empty when it is not stored so.
  std::vector<double> stored(ht_handle value, std::size_t channels) const {
    const auto tensor = graph_.initializer(value);
    if (!tensor || tensor->dtype != HT_F32) return {};
    const auto count = static_cast<std::size_t>(sdk::count_of(*tensor));
    const auto *data = static_cast<const float *>(tensor->data);
    if (count == 1) return {static_cast<double>(*data)};
    // The channels are on axis 1: [1, C, 1, 1] or [C, 1, 1].
    bool fits = count == channels;
    for (std::uint32_t k = 0; k < tensor->rank; ++k) {
      fits = fits && (tensor->shape[k] == 1 || (k <= 1 && static_cast<std::size_t>(tensor->shape[k]) == channels));
    }
    if (!fits || tensor->rank < 2) return {};
    return {data, data + count};
  }

  std::vector<double> limits(const sdk::Node &clip, std::size_t slot, std::string_view attribute, double none) const {
    if (clip.input(slot) != HT_NONE) return stored(clip.input(slot), 1);
    return {graph_.attribute_float(clip.handle, attribute, none)};
  }

  static Known clip(const Channels &in, const std::vector<double> &low, const std::vector<double> &high) {
    if (low.empty() || high.empty()) return std::nullopt;
    Channels out = in;
    for (std::size_t c = 0; c < out.each.size(); ++c) {
      const double least = low[low.size() == 1 ? 0 : c], most = high[high.size() == 1 ? 0 : c];
      ClippedNormal &channel = out.each[c];
      if (!in.clipped && (channel.low < least || channel.high > most)) return std::nullopt;
      channel.low = std::clamp(channel.low, least, std::max(least, most));
      channel.high = std::clamp(channel.high, least, std::max(least, most));
    }
    return out;
  }

  Known limited(const sdk::Node &node) const {
    if (node.inputs().size() != 2) return std::nullopt;
    const std::size_t data = find(node.input(0)) != nullptr ? 0 : 1;
    const Channels *in = find(node.input(data));
    if (in == nullptr) return std::nullopt;
    const std::vector<double> limit = stored(node.input(1 - data), in->each.size());
    return node.is("Min") ? clip(*in, {-kInfinite}, limit) : clip(*in, limit, {kInfinite});
  }

  static Known leaky(const Channels &in, const std::vector<double> &slopes) {
    if (!in.clipped || slopes.empty()) return std::nullopt;
    Channels out{in.each, false};
    for (std::size_t c = 0; c < out.each.size(); ++c) {
      const double slope = slopes[slopes.size() == 1 ? 0 : c];
      ClippedNormal above = in.each[c], below = in.each[c];
      above.low = std::max(above.low, 0.0), above.high = std::max(above.high, 0.0);
      below.low = std::min(below.low, 0.0), below.high = std::min(below.high, 0.0);
      const double up = above.mean(), down = slope * below.mean();
      // The parts are never both other than 0.
      const double square = above.variance() + up * up + slope * slope * below.variance() + down * down;
      ClippedNormal &channel = out.each[c];
      channel = {up + down, std::sqrt(std::max(square - (up + down) * (up + down), 0.0)), -kInfinite, kInfinite};
      if (slope == 0) channel.low = std::max(in.each[c].low, 0.0);
      if (slope > 0) channel.low = in.each[c].low < 0 ? slope * in.each[c].low : in.each[c].low;
    }
    return out;
  }

  Known summed(const sdk::Node &node) const {
    std::vector<Channels> terms;
    for (const ht_handle input : node.inputs()) {
      const Channels *in = find(input);
      if (in == nullptr || (!terms.empty() && in->each.size() != terms[0].each.size())) return std::nullopt;
      terms.push_back(means_only(*in));
    }
    if (terms.empty()) return std::nullopt;
    Channels out;
    for (std::size_t c = 0; c < terms[0].each.size(); ++c) {
      ClippedNormal sum{0, 0, -kInfinite, kInfinite};
      for (std::size_t t = 0; t < terms.size(); ++t) {
        const ClippedNormal &term = terms[t].each[c];
        sum.center += t > 0 && node.is("Sub") ? -term.center : term.center;
        sum.deviation = std::hypot(sum.deviation, term.deviation);
      }
      out.each.push_back(sum);
    }
    return out;
  }

  Known joined(const sdk::Node &node) const {
    const std::int64_t axis = graph_.attribute_int(node.handle, "axis", 0);
    const ht_tensor_info type = graph_.value(node.output(0)).info.type;
    const bool channels = axis == 1 || (axis < 0 && type.known_rank != 0 && axis + std::int64_t{type.rank} == 1);
    if (!channels) return std::nullopt;
    bool clipped = true;
    for (const ht_handle input : node.inputs()) {
      const Channels *in = find(input);
      if (in == nullptr) return std::nullopt;
      clipped = clipped && in->clipped;
    }
    Channels out{{}, clipped};
    for (const ht_handle input : node.inputs()) {
      const Channels part = clipped ? *find(input) : means_only(*find(input));
      out.each.insert(out.each.end(), part.each.begin(), part.each.end());
    }
    return out;
  }

  // Zeros of padding must not count.
  bool is_mean_of_windows(const sdk::Node &node) const {
    if (!node.is("AveragePool")) return false;
    if (graph_.attribute_int(node.handle, "count_include_pad", 0) == 0) return true;
    const std::vector<std::int64_t> pads = graph_.attribute_ints(node.handle, "pads");
    const bool none = std::all_of(pads.begin(), pads.end(), [](std::int64_t p) { return p == 0; });
    const std::string automatic = graph_.attribute_text(node.handle, "auto_pad", "NOTSET");
    return none && (automatic == "NOTSET" || automatic == "VALID");
  }

  // Of an input; the attribute that older opsets have where the input is not there.
  std::vector<std::int64_t> integers(const sdk::Node &node, std::size_t slot, std::string_view attribute) const {
    const auto tensor = graph_.initializer(node.input(slot));
    if (!tensor || tensor->dtype != HT_I64) {
      return node.input(slot) == HT_NONE ? graph_.attribute_ints(node.handle, attribute) : std::vector<std::int64_t>{};
    }
    const auto *data = static_cast<const std::int64_t *>(tensor->data);
    return {data, data + sdk::count_of(*tensor)};
  }

  // Axes that are known and none of the first two.
  bool are_positions(const sdk::Node &node, const std::vector<std::int64_t> &axes) const {
    const ht_tensor_info type = graph_.value(node.input(0)).info.type;
    const std::int64_t rank = type.known_rank != 0 ? std::int64_t{type.rank} : 0;
    if (axes.empty()) return false;
    return std::all_of(axes.begin(), axes.end(),
                       [&](std::int64_t axis) { return (axis < 0 ? axis + rank : axis) >= 2; });
  }

  bool is_mean_of_positions(const sdk::Node &node) const {
    return node.is("ReduceMean") && are_positions(node, integers(node, 1, "axes"));
  }

  bool is_slice_of_positions(const sdk::Node &node) const { return are_positions(node, integers(node, 3, "axes")); }

  // Channels of zeros before and behind those that are there.
  Known padded(const sdk::Node &node, const Channels &in) const {
    const std::vector<std::int64_t> pads = integers(node, 1, "pads");
    const std::size_t rank = pads.size() / 2;
    const bool fills_zeros = graph_.attribute_text(node.handle, "mode", "constant") == "constant" &&
                             graph_.attribute_float(node.handle, "value", 0) == 0 && node.input(3) == HT_NONE;
    if (!fills_zeros || rank < 2 || pads.size() % 2 != 0) return std::nullopt;
    if (node.input(2) != HT_NONE && stored(node.input(2), 1) != std::vector{0.0}) return std::nullopt;
    for (std::size_t k = 0; k < pads.size(); ++k) {
      if (pads[k] < 0 || (k % rank != 1 && pads[k] != 0)) return std::nullopt;
    }
    Channels out = in;
    out.each.insert(out.each.begin(), static_cast<std::size_t>(pads[1]), ClippedNormal{});
    out.each.insert(out.each.end(), static_cast<std::size_t>(pads[rank + 1]), ClippedNormal{});
    return out;
  }

  // [N, C, ...] to [N, C * positions]: each channel as often as it has positions.
  Known flattened(const sdk::Node &node, const Channels &in) const {
    const ht_tensor_info from = graph_.value(node.input(0)).info.type, to = graph_.value(node.output(0)).info.type;
    if (from.known_rank == 0 || to.known_rank == 0) {
      // One position for each channel where a layer then reads as many numbers as there are channels.
      const bool by_sample = node.is("Flatten") && graph_.attribute_int(node.handle, "axis", 1) == 1;
      return by_sample ? Known(in) : std::nullopt;
    }
    if (to.rank != 2 || from.rank < 2) return std::nullopt;
    std::int64_t positions = 1;
    for (std::uint32_t k = 2; k < from.rank; ++k) positions *= from.shape[k] > 0 ? from.shape[k] : 0;
    if (positions == 0 || from.shape[0] != to.shape[0]) return std::nullopt;
    if (to.shape[1] != positions * static_cast<std::int64_t>(in.each.size())) return std::nullopt;
    Channels out{{}, in.clipped};
    for (const ClippedNormal &channel : in.each)
      out.each.insert(out.each.end(), static_cast<std::size_t>(positions), channel);
    return out;
  }

  const sdk::Graph &graph_;
  std::unordered_map<ht_handle, Channels> known_;
};

}  // namespace

std::vector<std::vector<double>> implied_means(const sdk::Context &ctx, const std::vector<Layer> &layers) {
  const sdk::Graph graph(ctx);
  Walk walk(graph);
  for (const ht_handle node : graph.nodes()) walk.visit(node);
  std::vector<std::vector<double>> means(layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Channels *in = walk.find(layers[i].input);
    const ht_tensor_info type = graph.value(layers[i].input).info.type;
    const bool on_axis_1 = layers[i].op_type != "MatMul" || (type.known_rank != 0 && type.rank == 2);
    if (in == nullptr || !on_axis_1 || in->each.size() != layers[i].channels) continue;
    for (const ClippedNormal &channel : in->each) means[i].push_back(in->clipped ? channel.mean() : channel.center);
  }
  return means;
}

}  // namespace halftone::passes
