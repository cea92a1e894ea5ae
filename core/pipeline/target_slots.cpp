#include "core/pipeline/target_slots.h"

#include <fmt/core.h>

#include "core/pipeline/slot_type.h"
#include "core/pipeline/sockets.h"

namespace halftone::pipeline {
namespace {

using host::SlotRule;
using model::Handle;

std::int64_t attribute_int(const model::Node &node, std::string_view name, std::int64_t deflt) {
  const auto found = node.attributes.find(name);
  const auto *value = found == node.attributes.end() ? nullptr : std::get_if<std::int64_t>(&found->second.data);
  return value == nullptr ? deflt : *value;
}

float attribute_float(const model::Node &node, std::string_view name, float deflt) {
  const auto found = node.attributes.find(name);
  const auto *value = found == node.attributes.end() ? nullptr : std::get_if<float>(&found->second.data);
  return value == nullptr ? deflt : *value;
}

// The axis of a weight's output channels; nullopt where one scale a channel would not survive the integer computation.
std::optional<std::int32_t> channel_axis(const model::Node &node, const model::Shape &weight) {
  if (node.op_type == "Conv") return 0;
  if (node.op_type == "Gemm") return attribute_int(node, "transB", 0) != 0 ? 0 : 1;
  // Axis 1 of a grouped ConvTranspose counts channels within a group, so each scale would serve one channel of every
  // group and a bias would need more scales than there are: one scale for all instead.
  if (node.op_type == "ConvTranspose") {
    return attribute_int(node, "group", 1) == 1 ? std::optional<std::int32_t>(1) : std::nullopt;
  }
  if (node.op_type == "MatMul") return weight.size() == 2 ? std::optional<std::int32_t>(1) : std::nullopt;
  if (node.op_type == "LSTM" || node.op_type == "GRU" || node.op_type == "RNN") return std::nullopt;
  return 0;
}

// The axis along which a weight is summed: blocks lie along it, so that each has one scale in an accumulation.
std::optional<std::int32_t> summed_axis(const model::Node &node, const model::Shape &weight) {
  const auto rank = static_cast<std::int32_t>(weight.size());
  if (node.op_type == "Conv" && rank > 1) return 1;
  if (node.op_type == "Gemm") return attribute_int(node, "transB", 0) != 0 ? 1 : 0;
  if (node.op_type == "ConvTranspose" && rank > 1) return 0;
  if (node.op_type == "MatMul" && rank > 1) return rank - 2;
  return std::nullopt;
}

class SlotResolver {
 public:
  SlotResolver(const PlatformDescriptor &platform, const ResolvedRule &rule, const model::Model &model,
               const model::Node &node, const DataFlow &flow)
      : platform_(platform), rule_(rule), model_(model), node_(node), flow_(flow), socket_(socket_of(node)) {}

  void run(host::NodeRule &out) {
    for (std::uint32_t slot = 0; slot < node_.inputs.size(); ++slot) out.inputs.push_back(input(slot));
    for (std::uint32_t slot = 0; slot < node_.inputs.size(); ++slot) {
      if (input_role(rule_, node_, slot) == HT_SLOT_BIAS) settle_bias(slot, out);
      if (out.inputs[slot].role == HT_SLOT_BOUND) settle_bound(out.inputs[0], out.inputs[slot]);
    }
    for (std::uint32_t slot = 0; slot < node_.outputs.size(); ++slot) out.outputs.push_back(output(slot));
  }

 private:
  const SlotOrigin *origin(std::uint32_t slot) const {
    const auto found = rule_.origins.find(slot);
    return found == rule_.origins.end() ? nullptr : &found->second;
  }

  static SlotRule in_float(std::string reason) {
    SlotRule out;
    out.role = HT_SLOT_NONE;
    out.reason = std::move(reason);
    return out;
  }

  const Scheme *scheme(const std::string &type) const {
    const auto found = platform_.types.find(type);
    return found == platform_.types.end() ? nullptr : &found->second;
  }

  static SlotRule with(const Scheme &scheme, std::uint32_t role) {
    SlotRule out;
    out.role = role;
    out.spec = scheme.spec;
    out.observer = scheme.observer;
    out.observer_parameters = scheme.observer_parameters;
    return out;
  }

  // A reason to leave the value alone, or empty.
  std::string untouchable(Handle value, std::uint32_t role) const {
    if (value == HT_NONE) return "the slot is empty";
    if (role == HT_SLOT_NONE) return "it carries a shape, an index, a condition or a parameter kept in float";
    const ht_dtype type = flow_.dtype(value);
    if (type == HT_F32 || type == HT_DTYPE_NONE) return {};
    return fmt::format("'{}' is {}, not float32", model_.value(value).name, model::dtype_name(type));
  }

  std::string kept_in_float() const { return fmt::format("{} keeps it in float", platform_.id); }

  SlotRule input(std::uint32_t slot) const {
    const Handle value = node_.inputs[slot];
    const std::uint32_t role = input_role(rule_, node_, slot);
    if (std::string why = untouchable(value, role); !why.empty()) return in_float(std::move(why));
    const auto &constant = model_.value(value).initializer;
    const std::string type = input_type(platform_, rule_, model_, node_, slot);
    if (type.empty()) return in_float(why_in_float(slot, role, constant.has_value()));
    const Scheme *chosen = scheme(type);
    if (chosen == nullptr) return in_float(fmt::format("{} has no '{}' type", platform_.id, type));
    if (role == HT_SLOT_BOUND || role == HT_SLOT_BIAS) return with(*chosen, role);
    if (!constant) return with(*chosen, HT_SLOT_ACTIVATION);
    if (role == HT_SLOT_WEIGHT) return weight(*chosen, slot, constant->shape());
    return constant_data(*chosen, type == "constant" && !names_input(rule_, slot));
  }

  std::string why_in_float(std::uint32_t slot, std::uint32_t role, bool constant) const {
    const SlotScheme *says = said_of_input(rule_, slot);
    if (says != nullptr && says->is_float()) return kept_in_float();
    if (role == HT_SLOT_BOUND) return "the limit is computed, not a constant";
    return constant ? fmt::format("{} keeps biases in float", platform_.id) : "the bias is computed, not a constant";
  }

  std::optional<std::int32_t> axis_of(std::uint32_t slot, const model::Shape &shape, bool blocks) const {
    if (const SlotOrigin *from = origin(slot)) return blocks ? from->block_axis : from->channel_axis;
    return blocks ? summed_axis(node_, shape) : channel_axis(node_, shape);
  }

  SlotRule weight(const Scheme &chosen, std::uint32_t slot, const model::Shape &shape) const {
    SlotRule out = with(chosen, HT_SLOT_WEIGHT);
    if (out.observer.empty()) out.observer = "minmax";
    out.spec.dynamic = 0;  // what is stored has one range for good
    if (out.spec.granularity == HT_PER_TENSOR) return out;
    const bool blocks = out.spec.granularity == HT_PER_BLOCK;
    const auto named = rule_.inputs.find(slot);
    const std::optional<std::int32_t> axis =
        named != rule_.inputs.end() && named->second.axis ? named->second.axis : axis_of(slot, shape, blocks);
    if (!axis || *axis >= static_cast<std::int32_t>(shape.size())) {
      out.spec.granularity = HT_PER_TENSOR;
      out.spec.axis = 0;
      out.spec.block_size = 0;
    } else {
      out.spec.axis = *axis;
    }
    return out;
  }

  // A constant in a place of data, such as one side of an Add: its range is known at once. The type of constants says
  // itself how it is found.
  static SlotRule constant_data(const Scheme &chosen, bool of_constants) {
    SlotRule out = with(chosen, HT_SLOT_WEIGHT);
    if (of_constants) return out;
    out.spec.dynamic = 0;
    out.observer = "minmax";
    out.observer_parameters.clear();
    return out;
  }

  void settle_bound(const SlotRule &data, SlotRule &out) const {
    if (data.role == HT_SLOT_NONE) {
      out = in_float("input 0 is not quantized");
    } else if (const Scheme *limit = scheme("bound")) {
      out.spec = limit->spec;
    } else {
      out.spec = data.spec;
      // A runtime wants the limit as a plain constant: an exporter writes the quantized value as a float.
      out.spec.visibility = HT_EXPORT_NEVER;
    }
  }

  // A bias has one scale for each channel of the weight, or one for all.
  void settle_bias(std::uint32_t slot, host::NodeRule &out) const {
    SlotRule &bias = out.inputs[slot];
    if (bias.role != HT_SLOT_BIAS) return;
    if (out.inputs[0].role == HT_SLOT_NONE || out.inputs[1].role == HT_SLOT_NONE) {
      bias = in_float("its scale is the product of two others, and an input or the weight is not quantized");
      return;
    }
    if (out.inputs[0].spec.dynamic != 0) {
      bias = in_float("its scale is the product of two others, and that of the input is taken at run time");
      return;
    }
    if (out.inputs[1].spec.granularity == HT_PER_BLOCK) {
      bias = in_float("its scale is the product of two others, and the weight has one for each block");
      return;
    }
    if (out.inputs[0].spec.kind != HT_QUANT_INTEGER || out.inputs[1].spec.kind != HT_QUANT_INTEGER) {
      bias = in_float("it is added in floating point, as input or weight are float8");
      return;
    }
    if (node_.op_type == "Gemm" &&
        (attribute_float(node_, "alpha", 1.0F) != 1.0F || attribute_float(node_, "beta", 1.0F) != 1.0F)) {
      bias = in_float("alpha or beta of the Gemm is not 1");
      return;
    }
    const auto &stored = model_.value(node_.inputs[1]).initializer;
    const bool per_channel = stored && out.inputs[1].spec.granularity == HT_PER_CHANNEL;
    bias.spec.granularity = per_channel ? HT_PER_CHANNEL : HT_PER_TENSOR;
    bias.spec.block_size = 0;
    bias.spec.axis = 0;
    if (!per_channel) return;
    const model::Shape &shape = model_.value(node_.inputs[slot]).initializer->shape();
    if (shape.empty() || shape.back() != stored->shape()[static_cast<std::size_t>(out.inputs[1].spec.axis)]) {
      bias = in_float("one bias serves several channels, each with a scale of its own");
      return;
    }
    bias.spec.axis = static_cast<std::int32_t>(shape.size()) - 1;
  }

  SlotRule output(std::uint32_t slot) const {
    const Handle value = node_.outputs[slot];
    if (std::string why = untouchable(value, socket_.output(slot)); !why.empty()) return in_float(std::move(why));
    const std::string type = output_type(rule_, slot);
    if (type.empty()) return in_float(kept_in_float());
    return with(*scheme(type), HT_SLOT_ACTIVATION);
  }

  const PlatformDescriptor &platform_;
  const ResolvedRule &rule_;
  const model::Model &model_;
  const model::Node &node_;
  const DataFlow &flow_;
  const Socket &socket_;
};

}  // namespace

SlotOrigin origin_of(const model::Model &model, const model::Node &node, std::uint32_t slot) {
  SlotOrigin origin;
  origin.role = origin.was = socket_of(node).input(slot);
  const Handle value = node.inputs[slot];
  const auto *stored = value == HT_NONE ? nullptr : &model.value(value).initializer;
  if (origin.role != HT_SLOT_WEIGHT || stored == nullptr || !stored->has_value()) return origin;
  origin.channel_axis = channel_axis(node, (*stored)->shape());
  origin.block_axis = summed_axis(node, (*stored)->shape());
  return origin;
}

void resolve_slots(const PlatformDescriptor &platform, const ResolvedRule &rule, const model::Model &model,
                   const model::Node &node, const DataFlow &flow, host::NodeRule &out) {
  SlotResolver(platform, rule, model, node, flow).run(out);
}

}  // namespace halftone::pipeline
