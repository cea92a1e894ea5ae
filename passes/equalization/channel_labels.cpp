#include "channel_labels.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "stored_tensor.h"

namespace halftone::passes {
namespace {

using Result = std::optional<Labels>;

bool is_any_of(const sdk::Node &node, std::initializer_list<std::string_view> types) {
  return std::any_of(types.begin(), types.end(), [&](std::string_view type) { return node.is(type); });
}

std::size_t positive_axis(std::int64_t axis, std::size_t rank) {
  return static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis);
}

// A list that newer opsets read from an input and older ones from an attribute.
std::optional<std::vector<std::int64_t>> list_of(const sdk::Graph &graph, const sdk::Node &node, std::size_t slot,
                                                 std::string_view attribute) {
  if (node.input(slot) != HT_NONE) return read_integers(graph, node.input(slot));
  return graph.attribute_ints(node.handle, attribute);
}

ht_tensor_info type_of(const sdk::Graph &graph, ht_handle value) {
  return graph.value(value).info.type;
}

Result same_axis(const Labels &input) {
  return input;
}

Result pooled(const Labels &input) {
  if (input.axis > 1) return std::nullopt;  // mixes what has different labels
  return input;
}

// Between shapes of which at most the first extents are unknown: an index of the new axis must stay within one label.
Result reshaped(const sdk::Graph &graph, const sdk::Node &node, const Labels &input) {
  const ht_tensor_info from = type_of(graph, node.input(0)), to = type_of(graph, node.output(0));
  if (from.known_rank == 0 || to.known_rank == 0 || from.rank != input.rank || to.rank == 0) return std::nullopt;
  const auto count = [](const ht_tensor_info &t) {
    std::int64_t n = 1;
    for (std::uint32_t i = t.shape[0] < 0 ? 1 : 0; i < t.rank; ++i) n = t.shape[i] < 0 ? -1 : n * t.shape[i];
    return n;
  };
  const bool open = from.shape[0] < 0;
  if (open != (to.shape[0] < 0) || count(from) <= 0 || count(from) != count(to)) return std::nullopt;
  if (open && input.axis == 0) return std::nullopt;
  const auto behind = [](const ht_tensor_info &t, std::size_t axis) {
    std::int64_t n = 1;
    for (std::size_t i = axis + 1; i < t.rank; ++i) n *= t.shape[i];
    return n;
  };
  const auto labels = static_cast<std::int64_t>(input.ids.size());
  const std::int64_t inner = behind(from, input.axis);
  for (std::size_t axis = open ? 1 : 0; axis < to.rank; ++axis) {
    const std::int64_t step = behind(to, axis), extent = to.shape[axis];
    if (extent * step % (labels * inner) != 0 || inner % step != 0) continue;
    Labels out{to.rank, axis, {}};
    for (std::int64_t i = 0; i < extent; ++i) {
      out.ids.push_back(input.ids[static_cast<std::size_t>(i * step / inner % labels)]);
    }
    return out;
  }
  return std::nullopt;
}

Result transposed(const sdk::Graph &graph, const sdk::Node &node, const Labels &input) {
  std::vector<std::int64_t> order = graph.attribute_ints(node.handle, "perm");
  if (order.empty()) {
    for (std::size_t i = input.rank; i > 0; --i) order.push_back(static_cast<std::int64_t>(i - 1));
  }
  const auto at = std::find(order.begin(), order.end(), static_cast<std::int64_t>(input.axis));
  if (order.size() != input.rank || at == order.end()) return std::nullopt;
  return Labels{input.rank, static_cast<std::size_t>(at - order.begin()), input.ids};
}

Result sliced(const sdk::Graph &graph, const sdk::Node &node, const Labels &input) {
  const auto starts = list_of(graph, node, 1, "starts"), ends = list_of(graph, node, 2, "ends");
  auto axes = list_of(graph, node, 3, "axes"), steps = list_of(graph, node, 4, "steps");
  if (!starts || !ends || !axes || !steps || starts->size() != ends->size()) return std::nullopt;
  if (steps->empty()) steps->assign(starts->size(), 1);
  if (axes->empty()) {
    for (std::size_t i = 0; i < starts->size(); ++i) axes->push_back(static_cast<std::int64_t>(i));
  }
  if (axes->size() != starts->size() || steps->size() != starts->size()) return std::nullopt;
  Labels out = input;
  for (std::size_t i = 0; i < axes->size(); ++i) {
    if (positive_axis((*axes)[i], input.rank) != input.axis) continue;
    const auto extent = static_cast<std::int64_t>(input.ids.size());
    if ((*steps)[i] <= 0) return std::nullopt;
    const auto bound = [&](std::int64_t x) { return std::clamp<std::int64_t>(x < 0 ? x + extent : x, 0, extent); };
    out.ids.clear();
    for (std::int64_t at = bound((*starts)[i]); at < bound((*ends)[i]); at += (*steps)[i]) {
      out.ids.push_back(input.ids[static_cast<std::size_t>(at)]);
    }
  }
  return out;
}

Result split(const sdk::Graph &graph, const sdk::Node &node, std::size_t slot, const Labels &input) {
  if (positive_axis(graph.attribute_int(node.handle, "axis", 0), input.rank) != input.axis) return input;
  auto parts = list_of(graph, node, 1, "split");
  if (!parts) return std::nullopt;
  const std::size_t count = node.outputs().size();
  if (parts->empty() && input.ids.size() % count == 0) {
    parts->assign(count, static_cast<std::int64_t>(input.ids.size() / count));
  }
  if (parts->size() != count) return std::nullopt;
  std::int64_t start = 0;
  for (std::size_t i = 0; i < slot; ++i) start += (*parts)[i];
  const std::int64_t end = start + (*parts)[slot];
  if (start < 0 || end > static_cast<std::int64_t>(input.ids.size())) return std::nullopt;
  return Labels{input.rank, input.axis, {input.ids.begin() + start, input.ids.begin() + end}};
}

Result padded(const sdk::Graph &graph, const sdk::Node &node, const Labels &input) {
  const auto pads = list_of(graph, node, 1, "pads"), axes = list_of(graph, node, 3, "axes");
  if (!pads || !axes || pads->size() % 2 != 0) return std::nullopt;
  const std::size_t count = pads->size() / 2;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t axis = axes->empty() ? i : positive_axis((*axes)[i], input.rank);
    if (axis == input.axis && ((*pads)[i] != 0 || (*pads)[i + count] != 0)) return std::nullopt;
  }
  if (graph.attribute_text(node.handle, "mode", "constant") != "constant") return input;
  double fill = graph.attribute_float(node.handle, "value", 0.0);
  if (node.input(2) != HT_NONE) {
    const auto stored = read_tensor(graph, node.input(2));
    if (!stored || stored->data.size() != 1) return std::nullopt;
    fill = stored->data.front();
  }
  if (fill != 0) return std::nullopt;
  return input;
}

Result resized(const sdk::Graph &graph, const sdk::Node &node, const Labels &input) {
  const ht_tensor_info from = type_of(graph, node.input(0)), to = type_of(graph, node.output(0));
  if (graph.attribute_text(node.handle, "coordinate_transformation_mode", "") == "tf_crop_and_resize") {
    return std::nullopt;
  }
  const auto labels = static_cast<std::int64_t>(input.ids.size());
  if (from.known_rank == 0 || to.known_rank == 0 || from.rank != to.rank || from.rank != input.rank)
    return std::nullopt;
  if (from.shape[input.axis] != labels || to.shape[input.axis] != labels) return std::nullopt;
  return input;
}

Result reduced(const sdk::Graph &graph, const sdk::Node &node, const Labels &input) {
  const auto axes = list_of(graph, node, 1, "axes");
  if (!axes || axes->empty()) return std::nullopt;
  Labels out = input;
  const bool keeps = graph.attribute_int(node.handle, "keepdims", 1) != 0;
  for (const std::int64_t raw : *axes) {
    const std::size_t axis = positive_axis(raw, input.rank);
    if (axis == input.axis) return std::nullopt;
    if (keeps) continue;
    --out.rank;
    if (axis < input.axis) --out.axis;
  }
  return out;
}

// By a stored factor of the same or a smaller rank.
Result multiplied(const sdk::Graph &graph, const sdk::Node &node, const Labels &input) {
  auto factor = read_tensor(graph, node.input(1));
  if (!factor && node.is("Mul")) factor = read_tensor(graph, node.input(0));
  if (!factor || factor->rank() > input.rank) return std::nullopt;
  const std::size_t missing = input.rank - factor->rank();
  const std::int64_t extent = input.axis < missing ? 1 : factor->extent(input.axis - missing);
  if (extent != 1 && extent != static_cast<std::int64_t>(input.ids.size())) return std::nullopt;
  return input;
}

bool drops_at_random(const sdk::Graph &graph, const sdk::Node &node) {
  if (node.input(2) == HT_NONE) return false;
  const auto training = graph.initializer(node.input(2));
  return !training || training->dtype != HT_BOOL || *static_cast<const unsigned char *>(training->data) != 0;
}

}  // namespace

Result relayed(const sdk::Graph &graph, const sdk::Node &node, std::size_t slot, const Labels &input) {
  if (node.is("Split")) return split(graph, node, slot, input);
  if (slot != 0) return std::nullopt;
  if (is_any_of(node, {"Relu", "LeakyRelu", "PRelu", "Identity", "Abs", "Neg"})) return same_axis(input);
  if (node.is("Dropout")) return drops_at_random(graph, node) ? std::nullopt : same_axis(input);
  if (is_any_of(node, {"MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"})) return pooled(input);
  if (is_any_of(node, {"Reshape", "Flatten", "Squeeze", "Unsqueeze"})) return reshaped(graph, node, input);
  if (node.is("Transpose")) return transposed(graph, node, input);
  if (node.is("Slice")) return sliced(graph, node, input);
  if (node.is("Pad")) return padded(graph, node, input);
  if (is_any_of(node, {"Resize", "Upsample"})) return resized(graph, node, input);
  if (is_any_of(node, {"ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum"})) return reduced(graph, node, input);
  if (is_any_of(node, {"Mul", "Div"})) return multiplied(graph, node, input);
  return std::nullopt;
}

bool keeps_offsets(const sdk::Graph &graph, const sdk::Node &node) {
  if (node.is("AveragePool")) return graph.attribute_int(node.handle, "count_include_pad", 0) == 0;
  if (node.is("Pad")) return graph.attribute_text(node.handle, "mode", "constant") != "constant";
  return is_any_of(
      node, {"Identity", "Dropout", "MaxPool", "GlobalMaxPool", "GlobalAveragePool", "Reshape", "Flatten", "Squeeze",
             "Unsqueeze", "Transpose", "Slice", "Split", "Resize", "Upsample", "ReduceMean", "ReduceMax", "ReduceMin"});
}

}  // namespace halftone::passes
