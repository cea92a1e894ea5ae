#include "float_narrowing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "bfloat16_operators.h"
#include "float16_operators.h"
#include "halftone/narrow_float.hpp"
#include "halftone/rewire.hpp"
#include "halftone/value_type.hpp"

namespace halftone::exporters {
namespace {

constexpr std::int64_t kOnnxFloat32 = 1, kOnnxFloat16 = 10, kOnnxFloat64 = 11, kOnnxBFloat16 = 16;

// A 16-bit float.
struct Narrow {
  ht_dtype dtype;
  std::int64_t onnx;
  const char *name;
  float largest;
  std::uint16_t (*of_float)(float);
};
constexpr Narrow kFloat16{HT_F16, kOnnxFloat16, "float16", 65504.0F, sdk::f16_of_float};
constexpr Narrow kBFloat16{HT_BF16, kOnnxBFloat16, "bfloat16", 0x1.FEp127F, sdk::bf16_of_float};

// Inputs that say where or how many: what is computed for them needs the digits of float32.
bool carries_a_shape(const sdk::Node &node, std::uint32_t slot) {
  constexpr std::array kTypes = {"Reshape", "Expand", "Tile", "Slice", "Pad", "Resize", "OneHot", "TopK", "Range"};
  if (node.is("Pad") || node.is("OneHot")) return slot == 1;
  return std::ranges::any_of(kTypes, [&](const char *type) { return node.is(type); }) && (slot > 0 || node.is("Range"));
}

class Narrowing {
 public:
  Narrowing(const sdk::Context &ctx, const Narrow &type)
      : ctx_(ctx), graph_(ctx), edit_(ctx), types_(ctx), type_(type), main_(graph_.main()), opset_(graph_.opset()) {}

  void run(const std::vector<ht_handle> &in_float) {
    for (const ht_handle node : in_float) {
      if (may_narrow(node)) chosen_.insert(node);
    }
    // Consumers come after producers, so that one walk back finds all that leads to a shape.
    for (auto it = in_float.rbegin(); it != in_float.rend(); ++it) {
      if (!chosen_.contains(*it) || !leads_to_shape(*it)) continue;
      chosen_.erase(*it);
      if (has_no_weights(*it)) shape_arithmetic_.insert(*it);
    }
    for (std::size_t i = 0; i < in_float.size(); ++i) {
      if (i % 32 == 0) ctx_.poll(i, in_float.size());
      if (chosen_.contains(in_float[i])) narrow(in_float[i]);
    }
    sweep();
    ctx_.log(std::to_string(chosen_.size()) + " operators that are not quantized are written in " + type_.name);
    if (clipped_ > 0) {
      ctx_.warn(std::to_string(clipped_) + " stored numbers are beyond the range of " + type_.name +
                " and were clipped to " + (type_.dtype == HT_F16 ? "65504" : "3.39e38"));
    }
  }

 private:
  // QdqBuilder leaves its values without a type; those that a DequantizeLinear makes are float32.
  bool is_float32(ht_handle value) const {
    if (value == HT_NONE) return false;
    const sdk::Value v = graph_.value(value);
    if (v.info.type.dtype != HT_DTYPE_NONE) return v.info.type.dtype == HT_F32;
    return v.info.producer != HT_NONE && graph_.node(v.info.producer).is("DequantizeLinear");
  }
  bool is_untyped(ht_handle value) const {
    return value != HT_NONE && graph_.value(value).info.type.dtype == HT_DTYPE_NONE && !is_float32(value);
  }

  bool has_form(std::string_view op_type) const {
    return has_float16_form(op_type) && (type_.dtype == HT_F16 || has_bfloat16_form(op_type, opset_));
  }

  bool may_narrow(ht_handle handle) const {
    const sdk::Node node = graph_.node(handle);
    if (!node.domain().empty() || !has_form(node.op_type())) return false;
    const auto inputs = node.inputs(), outputs = node.outputs();
    const auto is_read = [](ht_handle value) { return value != HT_NONE; };
    // The second and third outputs of these are float32 in any case.
    if (node.is("LayerNormalization") && std::ranges::any_of(outputs.subspan(1), is_read)) return false;
    const auto untyped = [&](ht_handle value) { return is_untyped(value); };
    if (std::ranges::any_of(inputs, untyped) || std::ranges::any_of(outputs, untyped)) return false;
    for (std::uint32_t slot = 0; slot < inputs.size(); ++slot) {
      if (is_float32(inputs[slot]) && !stays_float32(node.op_type(), slot)) return true;
    }
    return false;
  }

  bool leads_to_shape(ht_handle handle) const {
    for (const ht_handle output : graph_.node(handle).outputs()) {
      if (!is_float32(output)) continue;
      for (const ht_use &use : graph_.consumers(output)) {
        const sdk::Node reader = graph_.node(use.node);
        if (carries_a_shape(reader, use.slot) || casts_to_integer(reader)) return true;
        if (shape_arithmetic_.contains(use.node)) return true;
      }
    }
    return false;
  }
  // What leads to a node with weights is a network's data, whatever becomes of it behind that node.
  bool has_no_weights(ht_handle handle) const {
    return std::ranges::none_of(graph_.node(handle).inputs(), [&](ht_handle input) {
      const auto tensor = graph_.initializer(input);
      return tensor && sdk::count_of(*tensor) > 16;
    });
  }
  bool casts_to_integer(const sdk::Node &node) const {
    if (!node.is("Cast")) return false;
    const std::int64_t to = graph_.attribute_int(node.handle, "to", kOnnxFloat32);
    return to != kOnnxFloat32 && to != kOnnxFloat16 && to != kOnnxFloat64 && to != kOnnxBFloat16;
  }

  void narrow(ht_handle handle) {
    const std::size_t inputs = graph_.node(handle).inputs().size();
    for (std::uint32_t slot = 0; slot < inputs; ++slot) {
      const sdk::Node node = graph_.node(handle);
      const ht_handle value = node.input(slot);
      if (is_float32(value) && !stays_float32(node.op_type(), slot)) edit_.set_input(handle, slot, narrowed(value));
    }
    const sdk::Node node = graph_.node(handle);
    for (const ht_handle output : std::vector<ht_handle>(node.outputs().begin(), node.outputs().end())) {
      if (is_float32(output)) give_narrow(output);
    }
  }

  // The value in the narrow type: a stored tensor, what a Cast to float32 was made from, or a new Cast.
  ht_handle narrowed(ht_handle value) {
    const auto [at, is_new] = narrow_.try_emplace(value, HT_NONE);
    if (!is_new) return at->second;
    const sdk::Value v = graph_.value(value);
    if (v.is_initializer() && v.info.graph == main_ && !v.is_input()) return narrow_[value] = stored(value);
    if (v.info.producer != HT_NONE && graph_.node(v.info.producer).is("Cast")) {
      const ht_handle source = graph_.node(v.info.producer).input(0);
      if (source != HT_NONE && graph_.value(source).info.type.dtype == type_.dtype) return narrow_[value] = source;
    }
    const ht_handle out = like(value, suffix(), type_.dtype);
    cast(value, out, type_.onnx);
    return narrow_[value] = out;
  }

  ht_handle stored(ht_handle value) {
    const std::optional<sdk::HeldTensor> held = graph_.hold(value);  // a baked parameter too
    const ht_tensor_view &source = held->view();
    const auto *data = static_cast<const float *>(source.data);
    std::vector<std::uint16_t> halves(static_cast<std::size_t>(sdk::count_of(source)));
    for (std::size_t i = 0; i < halves.size(); ++i) {
      const bool beyond = std::isfinite(data[i]) && std::fabs(data[i]) > type_.largest;
      clipped_ += beyond ? 1 : 0;
      halves[i] = type_.of_float(beyond ? std::copysign(type_.largest, data[i]) : data[i]);
    }
    ht_tensor_view view = source;
    view.dtype = type_.dtype;
    view.data = halves.data();
    return edit_.add_initializer(main_, std::string(graph_.value(value).name()) + suffix(), view);
  }

  std::string suffix() const { return std::string("_") + type_.name; }

  // The value becomes narrow. Who cannot read that reads it through a Cast, and so does a caller of the model.
  void give_narrow(ht_handle value) {
    ht_handle wide = HT_NONE;
    const std::vector<ht_use> uses = graph_.consumers(value);
    if (graph_.value(value).is_output()) {
      wide = like(value, "_new", HT_F32);
      edit_.replace_uses(value, wide);
      for (const ht_use &use : uses) edit_.set_input(use.node, use.slot, value);
    }
    std::vector<ht_handle> needless;
    for (const ht_use &use : uses) {
      const sdk::Node reader = graph_.node(use.node);
      if (reader.is("Cast")) {
        if (graph_.attribute_int(use.node, "to", kOnnxFloat32) == type_.onnx) needless.push_back(use.node);
        continue;
      }
      if (chosen_.contains(use.node) && !stays_float32(reader.op_type(), use.slot)) continue;
      if (wide == HT_NONE) wide = like(value, "_float32", HT_F32);
      edit_.set_input(use.node, use.slot, wide);
    }
    types_.set_element_type(value, type_.dtype);
    if (wide != HT_NONE) cast(value, wide, kOnnxFloat32);
    for (const ht_handle node : needless) sdk::Rewire(graph_, edit_).remove_keeping_links(node);
  }

  ht_handle like(ht_handle value, const std::string &suffix, ht_dtype dtype) {
    const sdk::Value old = graph_.value(value);
    ht_tensor_info info = old.info.type;
    info.struct_size = sizeof(info);
    info.dtype = dtype;
    const ht_handle made = edit_.add_value(main_, std::string(old.name()) + suffix, &info);
    for (std::uint32_t axis = 0; info.known_rank != 0 && axis < info.rank; ++axis) {
      const std::string symbol = types_.symbol(value, axis);
      if (!symbol.empty()) types_.set_extent(made, axis, -1, symbol);
    }
    return made;
  }

  void cast(ht_handle from, ht_handle to, std::int64_t type) {
    const std::string name = edit_.unique_name(main_, std::string(graph_.value(to).name()) + "_Cast");
    const ht_handle node = edit_.add_node(main_, "Cast", name, std::span(&from, 1), std::span(&to, 1));
    edit_.set_int(node, "to", type);
  }

  // What only narrowed readers had: tensors, and the Casts before them.
  void sweep() {
    for (const auto &[wide, narrow] : narrow_) {
      const sdk::Value v = graph_.value(wide);
      if (v.info.consumer_count != 0 || v.is_output() || v.is_input()) continue;
      if (v.is_initializer()) {
        edit_.remove_value(wide);
      } else if (v.info.producer != HT_NONE && graph_.node(v.info.producer).is("Cast")) {
        edit_.remove_node(v.info.producer);
        edit_.remove_value(wide);
      }
    }
  }

  const sdk::Context &ctx_;
  const sdk::Graph graph_;
  const sdk::GraphEdit edit_;
  const sdk::ValueTypes types_;
  const Narrow &type_;
  const ht_handle main_;
  const std::int64_t opset_;
  std::set<ht_handle> chosen_, shape_arithmetic_;
  std::map<ht_handle, ht_handle> narrow_;
  std::size_t clipped_ = 0;
};

bool is_in_float(const sdk::Graph &graph, const QdqPlan &plan, ht_handle handle) {
  const sdk::Node node = graph.node(handle);
  const auto touches = [](const SlotPlan *slot) {
    return slot != nullptr && (slot->quantizer || slot->covering || slot->state != HT_STATE_FP32);
  };
  for (std::uint32_t slot = 0; slot < node.inputs().size(); ++slot) {
    if (touches(plan.input(handle, slot))) return false;
  }
  for (std::uint32_t slot = 0; slot < node.outputs().size(); ++slot) {
    if (touches(plan.output(handle, slot))) return false;
  }
  return true;
}

}  // namespace

std::vector<ht_handle> nodes_in_float(const sdk::Graph &graph, const QdqPlan &plan) {
  std::vector<ht_handle> nodes = graph.nodes();
  std::erase_if(nodes, [&](ht_handle node) { return !is_in_float(graph, plan, node); });
  return nodes;
}

void narrow_floats(const sdk::Context &ctx, const std::vector<ht_handle> &in_float, ht_dtype type) {
  Narrowing(ctx, type == HT_BF16 ? kBFloat16 : kFloat16).run(in_float);
}

}  // namespace halftone::exporters
