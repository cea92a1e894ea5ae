#include "forms.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

namespace halftone::integer {

namespace {

constexpr std::array kMovers = {"Reshape",   "Flatten",      "Transpose",    "Squeeze", "Unsqueeze",     "Slice",
                                "Split",     "Gather",       "Identity",     "Expand",  "Tile",          "MaxPool",
                                "Dropout",   "DepthToSpace", "SpaceToDepth", "Concat",  "GlobalMaxPool", "Relu",
                                "ReduceMax", "Pad",          "Resize"};

// A limit as the node reads it: nullopt where it is computed.
std::optional<float> limit(const sdk::Context &ctx, const sdk::Node &node, std::uint32_t slot, const char *attribute,
                           float deflt) {
  const sdk::Graph graph(ctx);
  if (node.opset() < 11) return static_cast<float>(graph.attribute_float(node.handle, attribute, double{deflt}));
  const ht_handle value = node.input(slot);
  if (value == HT_NONE) return deflt;
  const auto stored = graph.initializer(value);
  if (!stored || stored->dtype != HT_F32 || count_of(*stored) != 1 || graph.value(value).is_input())
    return std::nullopt;
  Tensor own(*stored);
  const sdk::Configs configs(ctx);
  if (const auto q = quantizer_of(configs, configs.input(node.handle, slot))) {
    const ht_quantizer quantizer = q->view();
    ht_tensor_view view = own.view();
    sdk::check(ctx.host.arithmetic->fake_quantize(ctx.raw, &quantizer, &view, &view));
  }
  return *own.data<float>();
}

std::int32_t code_of(const sdk::Context &ctx, float x, const Format &format) {
  const Shape one = {1};
  std::int32_t code = 0;
  ht_tensor_view from = sdk::float_view(&x, one), to = from;
  to.dtype = HT_I32;
  to.data = &code;
  const ht_quantizer q = format.quantizer();
  sdk::check(ctx.host.arithmetic->quantize(ctx.raw, &q, &from, &to));
  return code;
}

}  // namespace

bool moves_values(const sdk::Graph &graph, const sdk::Node &node) {
  if (!node.domain().empty()) return false;
  const auto is = [&](const char *type) { return node.op_type() == type; };
  if (std::none_of(kMovers.begin(), kMovers.end(), is)) return false;
  // A fill value other than 0 has a code of its own; linear interpolation computes.
  if (node.is("Pad")) {
    const auto fill = graph.initializer(node.input(2));
    const bool zero = fill && fill->dtype == HT_F32 && count_of(*fill) == 1 && *static_cast<float *>(fill->data) == 0;
    return (node.input(2) == HT_NONE || zero) && graph.attribute_float(node.handle, "value", 0) == 0;
  }
  if (node.is("Resize")) {
    return graph.attribute_text(node.handle, "mode", "nearest") == "nearest" &&
           graph.attribute_float(node.handle, "extrapolation_value", 0) == 0;
  }
  if (node.is("Dropout")) return node.input(2) == HT_NONE;
  return true;
}

bool carries_codes(const sdk::Node &node) {
  constexpr std::array kCarriers = {"Reshape", "Flatten", "Transpose", "Squeeze",  "Unsqueeze",
                                    "Slice",   "Split",   "Gather",    "Identity", "Concat"};
  const auto is = [&](const char *type) { return node.op_type() == type; };
  return std::any_of(kCarriers.begin(), kCarriers.end(), is) || (node.is("Pad") && node.opset() >= 11);
}

bool combines_values(const sdk::Node &node) {
  return node.is("Add") || node.is("Sub") || node.is("Mul");
}

bool gives_indices(const sdk::Node &node) {
  return node.is("Shape") || node.is("Size") || node.is("Constant") || node.is("NonZero") || node.is("ArgMax") ||
         node.is("ArgMin");
}

bool takes_mean(const sdk::Node &node) {
  return node.is("AveragePool") || node.is("GlobalAveragePool");
}

std::optional<Limits> limits_of(const sdk::Context &ctx, const sdk::Node &node, const Format &to) {
  if (node.is("Relu")) return Limits{std::clamp(to.zero, to.low, to.high), to.high};
  if (!node.is("Clip")) return std::nullopt;
  constexpr float kMost = std::numeric_limits<float>::max();
  const auto low = limit(ctx, node, 1, "min", -kMost), high = limit(ctx, node, 2, "max", kMost);
  if (!low || !high) return std::nullopt;
  Limits limits{code_of(ctx, *low, to), code_of(ctx, *high, to)};
  limits.low = std::min(limits.low, limits.high);  // Clip with min above max gives max
  return limits;
}

}  // namespace halftone::integer
