#include "core/pipeline/qdq_import.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/quant/arithmetic.h"
#include "halftone/quant.h"

namespace halftone::pipeline {

namespace {

using model::Handle;
using model::Model;
using model::Node;

bool is_a(const Node &node, std::string_view type) {
  return node.domain.empty() && node.op_type == type;
}

// What a QuantizeLinear or DequantizeLinear says.
struct Point {
  ht_quant_spec spec{};
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;

  bool operator==(const Point &other) const {
    return spec.kind == other.spec.kind && spec.quant_min == other.spec.quant_min &&
           spec.quant_max == other.spec.quant_max && spec.granularity == other.spec.granularity &&
           spec.axis == other.spec.axis && spec.block_size == other.spec.block_size && scales == other.scales &&
           zero_points == other.zero_points;
  }
};

bool set_range(ht_dtype dtype, ht_quant_spec &spec) {
  const auto set = [&](std::uint32_t bits, bool is_signed) {
    spec = quant::make_spec(bits, is_signed, HT_SYMMETRIC);
    return true;
  };
  switch (dtype) {
    case HT_I4:
      return set(4, true);
    case HT_U4:
      return set(4, false);
    case HT_I8:
      return set(8, true);
    case HT_U8:
      return set(8, false);
    case HT_I16:
      return set(16, true);
    case HT_U16:
      return set(16, false);
    case HT_I32:
      return set(32, true);
    default:
      return false;
  }
}

class Importer {
 public:
  explicit Importer(host::WorkingModel &working) : working_(working), model_(working.model) {}

  QdqImport run() {
    const std::vector<Handle> order = all_nodes();
    for (const Handle node : order) {
      if (is_a(model_.node(node), "DequantizeLinear")) take(node);
    }
    for (const Handle node : order) {
      if (model_.alive(node) && is_a(model_.node(node), "QuantizeLinear")) remove_if_idle(node);
    }
    for (const Handle node : all_nodes()) {
      out_.kept += is_a(model_.node(node), "QuantizeLinear") || is_a(model_.node(node), "DequantizeLinear") ? 1 : 0;
    }
    return out_;
  }

 private:
  // Of the main graph first, then of bodies, which may read what is outside of them.
  std::vector<Handle> all_nodes() const {
    std::vector<Handle> all;
    for (const Handle graph : model_.graphs()) {
      const std::vector<Handle> own = model_.topological_order(graph);
      all.insert(all.end(), own.begin(), own.end());
    }
    return all;
  }
  static Handle input(const Node &node, std::size_t slot) {
    return slot < node.inputs.size() ? node.inputs[slot] : HT_NONE;
  }
  bool constant(Handle value) const {
    return value != HT_NONE && model_.value(value).initializer && !model_.value(value).is_input;
  }
  static std::int64_t attribute(const Node &node, std::string_view name, std::int64_t deflt) {
    const auto found = node.attributes.find(name);
    const auto *value = found == node.attributes.end() ? nullptr : std::get_if<std::int64_t>(&found->second.data);
    return value == nullptr ? deflt : *value;
  }

  // Nullopt where scales or zero points are computed, or of a type that integers do not have. `rank` below 0: unknown.
  std::optional<Point> point_of(const Node &node, ht_dtype codes, std::int64_t rank) const {
    const Handle scale = input(node, 1), zero = input(node, 2);
    if (!constant(scale) || (zero != HT_NONE && !constant(zero))) return std::nullopt;
    const model::Tensor &scales = *model_.value(scale).initializer;
    const ht_dtype dtype = zero != HT_NONE ? model_.value(zero).initializer->dtype() : codes;
    Point point;
    if (scales.dtype() != HT_F32 || !set_range(dtype, point.spec)) return std::nullopt;
    point.scales = scales.to_floats();
    point.zero_points.assign(point.scales.size(), 0);
    if (zero != HT_NONE) {
      const std::vector<std::int64_t> zeros = model_.value(zero).initializer->to_ints();
      if (zeros.size() != point.scales.size()) return std::nullopt;
      std::ranges::transform(zeros, point.zero_points.begin(), [](auto z) { return static_cast<std::int32_t>(z); });
    }
    if (std::ranges::any_of(point.zero_points, [](auto z) { return z != 0; })) point.spec.symmetry = HT_ASYMMETRIC;
    if (point.scales.size() == 1 && scales.shape().size() <= 1) return point;
    std::int64_t axis = attribute(node, "axis", 1);
    if (axis < 0 && rank < 0) return std::nullopt;
    if (axis < 0) axis += rank;
    point.spec.axis = static_cast<std::int32_t>(axis);
    point.spec.granularity = scales.shape().size() > 1 ? HT_PER_BLOCK : HT_PER_CHANNEL;
    point.spec.block_size = static_cast<std::int32_t>(attribute(node, "block_size", 0));
    if (point.spec.granularity == HT_PER_BLOCK && point.spec.block_size < 1) return std::nullopt;
    return point;
  }

  std::int64_t rank_of(Handle value) const {
    const model::Value &v = model_.value(value);
    if (v.initializer) return static_cast<std::int64_t>(v.initializer->shape().size());
    return v.type.has_shape ? static_cast<std::int64_t>(v.type.dims.size()) : -1;
  }

  void take(Handle dequantize) {
    const Node node = model_.node(dequantize);
    const Handle codes = input(node, 0);
    if (codes == HT_NONE || node.outputs.size() != 1) return;
    if (constant(codes)) return take_parameter(dequantize, codes);
    const Handle producer = model_.value(codes).producer;
    if (producer == HT_NONE || !is_a(model_.node(producer), "QuantizeLinear") || model_.value(codes).is_output) return;
    take_pair(producer, dequantize);
  }

  void take_parameter(Handle dequantize, Handle codes) {
    const Node node = model_.node(dequantize);
    const model::Tensor stored = *model_.value(codes).initializer;
    const auto point = point_of(node, stored.dtype(), static_cast<std::int64_t>(stored.shape().size()));
    const Handle output = node.outputs[0];
    if (!point || model_.value(output).is_output) return;
    const Handle graph = model_.value(codes).graph;
    const Handle parameter =
        model_.add_initializer(graph, model_.unique_name(graph, model_.value(output).name + "_float"),
                               model::Tensor::from_floats(stored.shape(), floats_of(stored, *point)));
    replace(
        dequantize, parameter, [&](Handle config) { working_.configs.set_state(config, quant::State::kBaked); },
        *point);
    ++out_.parameters;
  }

  // Bytes are read as they lie: large weights are bytes as a rule, and to_ints() takes eight for each.
  static std::vector<std::int32_t> integers_of(const model::Tensor &stored) {
    const auto bytes = stored.bytes();
    std::vector<std::int32_t> out(bytes.size());
    if (stored.dtype() == HT_I8) {
      std::ranges::transform(bytes, out.begin(), [](std::byte b) { return static_cast<std::int8_t>(b); });
    } else if (stored.dtype() == HT_U8) {
      std::ranges::transform(bytes, out.begin(), [](std::byte b) { return static_cast<std::uint8_t>(b); });
    } else {
      const std::vector<std::int64_t> codes = stored.to_ints();
      out.resize(codes.size());
      std::ranges::transform(codes, out.begin(), [](std::int64_t code) { return static_cast<std::int32_t>(code); });
    }
    return out;
  }

  static std::vector<float> floats_of(const model::Tensor &stored, const Point &point) {
    const std::vector<std::int32_t> integers = integers_of(stored);
    std::vector<float> floats(integers.size());
    ht_quantizer q{};
    q.struct_size = sizeof(q);
    q.kind = HT_QUANT_INTEGER;
    q.rounding = HT_ROUND_HALF_EVEN;
    q.granularity = point.spec.granularity;
    q.quant_min = point.spec.quant_min;
    q.quant_max = point.spec.quant_max;
    q.axis = point.spec.axis;
    q.block_size = point.spec.block_size;
    q.count = point.scales.size();
    q.scales = point.scales.data();
    q.zero_points = point.zero_points.data();
    quant::dequantize(integers, floats, stored.shape(), q);
    return floats;
  }

  void take_pair(Handle quantize, Handle dequantize) {
    const Node first = model_.node(quantize), second = model_.node(dequantize);
    const Handle source = input(first, 0), result = second.outputs[0];
    if (source == HT_NONE) return;
    const auto a = point_of(first, HT_U8, rank_of(source)), b = point_of(second, HT_U8, rank_of(source));
    if (!a || !b || !(*a == *b)) return;
    ++(constant(source) ? out_.parameters : out_.activations);
    const Handle producer = model_.value(source).producer;
    // An output of a body must be a value of that body.
    const bool leaves = model_.value(result).is_output && model_.value(source).graph != second.graph;
    if (producer != HT_NONE && !leaves && only_quantized(source, *a)) {
      const std::uint32_t slot = model_.value(source).producer_slot;
      if (working_.configs.find({producer, true, slot}) == HT_NONE) set_config({producer, true, slot}, *a);
      model_.remove_node(dequantize);
      model_.replace_uses(result, source);
      return;
    }
    if (model_.value(result).is_output) return keep_output(dequantize, source, *a);
    replace(
        dequantize, source, [](Handle) {}, *a);
  }

  // Nobody reads the value but nodes that quantize it alike.
  bool only_quantized(Handle value, const Point &point) const {
    if (model_.value(value).is_output) return false;
    return std::ranges::all_of(model_.value(value).consumers, [&](const model::Use &use) {
      const Node &node = model_.node(use.node);
      if (!is_a(node, "QuantizeLinear"))
        return working_.configs.find({model_.value(value).producer, true, model_.value(value).producer_slot}) !=
               HT_NONE;
      const auto other = point_of(node, HT_U8, rank_of(value));
      return use.slot == 0 && other && *other == point;
    });
  }

  // An output of the model needs a node whose output carries the config.
  void keep_output(Handle dequantize, Handle source, const Point &point) {
    const Handle result = model_.node(dequantize).outputs[0];
    const std::string name = model_.node(dequantize).name;
    const Handle graph = model_.node(dequantize).graph;
    model_.remove_node(dequantize);
    const Handle node = model_.add_node(graph, "Identity", "", name, std::vector{source}, std::vector{result});
    set_config({node, true, 0}, point);
  }

  // Every reader of what the node gives reads `value` through a config of its own.
  template <typename Finish>
  void replace(Handle dequantize, Handle value, Finish &&finish, const Point &point) {
    const Handle result = model_.node(dequantize).outputs[0];
    const std::vector<model::Use> readers = model_.value(result).consumers;
    model_.remove_node(dequantize);
    for (const model::Use &use : readers) {
      model_.set_input(use.node, use.slot, value);
      finish(set_config({use.node, false, use.slot}, point));
    }
  }

  Handle set_config(const quant::SlotKey &key, const Point &point) {
    const Handle config = working_.configs.create(key, point.spec, quant::State::kInitial);
    working_.configs.set_scales(config, point.scales, point.zero_points, {"", "of the file", ""});
    return config;
  }

  void remove_if_idle(Handle quantize) {
    const std::vector<Handle> outputs = model_.node(quantize).outputs;
    for (const Handle value : outputs) {
      if (!model_.value(value).consumers.empty() || model_.value(value).is_output) return;
    }
    model_.remove_node(quantize);
  }

  host::WorkingModel &working_;
  Model &model_;
  QdqImport out_;
};

}  // namespace

QdqImport import_qdq(host::WorkingModel &working) {
  return Importer(working).run();
}

}  // namespace halftone::pipeline
