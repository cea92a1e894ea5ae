#include "core/pipeline/batch_axis.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>

namespace halftone::pipeline {
namespace {

using model::Handle;
using Ints = std::vector<std::int64_t>;

bool is_one_of(std::string_view type, std::span<const std::string_view> types) {
  return std::ranges::find(types, type) != types.end();
}

// One input, element by element, or over axes behind the first two.
constexpr std::array<std::string_view, 53> kAlongSamples = {"Abs",
                                                            "Acos",
                                                            "Asin",
                                                            "Atan",
                                                            "Cast",
                                                            "Ceil",
                                                            "Celu",
                                                            "Clip",
                                                            "Cos",
                                                            "Cosh",
                                                            "Dropout",
                                                            "Elu",
                                                            "Erf",
                                                            "Exp",
                                                            "Floor",
                                                            "Gelu",
                                                            "HardSigmoid",
                                                            "HardSwish",
                                                            "Identity",
                                                            "IsInf",
                                                            "IsNaN",
                                                            "LeakyRelu",
                                                            "Log",
                                                            "Mish",
                                                            "Neg",
                                                            "Not",
                                                            "Reciprocal",
                                                            "Relu",
                                                            "Round",
                                                            "Selu",
                                                            "Shrink",
                                                            "Sigmoid",
                                                            "Sign",
                                                            "Sin",
                                                            "Sinh",
                                                            "Softplus",
                                                            "Softsign",
                                                            "Sqrt",
                                                            "Tan",
                                                            "Tanh",
                                                            "ThresholdedRelu",
                                                            "QuantizeLinear",
                                                            "DequantizeLinear",
                                                            "AveragePool",
                                                            "MaxPool",
                                                            "LpPool",
                                                            "GlobalAveragePool",
                                                            "GlobalMaxPool",
                                                            "GlobalLpPool",
                                                            "InstanceNormalization",
                                                            "LRN",
                                                            "DepthToSpace",
                                                            "SpaceToDepth"};
constexpr std::array<std::string_view, 5> kWithParameters = {"Conv", "ConvTranspose", "BatchNormalization",
                                                             "GroupNormalization", "ConvInteger"};
constexpr std::array<std::string_view, 22> kBroadcast = {"Add",
                                                         "Sub",
                                                         "Mul",
                                                         "Div",
                                                         "Pow",
                                                         "Max",
                                                         "Min",
                                                         "Mean",
                                                         "Sum",
                                                         "Mod",
                                                         "PRelu",
                                                         "And",
                                                         "Or",
                                                         "Xor",
                                                         "Equal",
                                                         "Less",
                                                         "LessOrEqual",
                                                         "Greater",
                                                         "GreaterOrEqual",
                                                         "Where",
                                                         "BitwiseAnd",
                                                         "BitwiseOr"};
constexpr std::array<std::string_view, 6> kOneAxis = {"Softmax", "LogSoftmax", "Hardmax",
                                                      "ArgMax",  "ArgMin",     "LpNormalization"};
constexpr std::array<std::string_view, 10> kReductions = {
    "ReduceSum", "ReduceMean", "ReduceMax",    "ReduceMin",       "ReduceProd",
    "ReduceL1",  "ReduceL2",   "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"};

// Of an initializer or a Constant node; null where there is none.
const model::Tensor *stored_tensor(const model::Model &m, Handle h) {
  if (h == HT_NONE) return nullptr;
  const model::Value &v = m.value(h);
  if (v.initializer) return &*v.initializer;
  if (v.producer == HT_NONE || m.node(v.producer).op_type != "Constant") return nullptr;
  const auto &attributes = m.node(v.producer).attributes;
  const auto found = attributes.find("value");
  return found == attributes.end() ? nullptr : std::get_if<model::Tensor>(&found->second.data);
}

class Proof {
 public:
  Proof(const model::Model &m, std::int64_t batch) : m_(m), batch_(batch) {}

  BatchProof run() {
    for (const Handle h : m_.graph(m_.main_graph()).inputs) {
      if (!m_.value(h).initializer) out_.values.carriers[h] = 1;
    }
    for (const Handle node : m_.topological_order(m_.main_graph())) {
      if (!visit(node)) {
        out_.tied_by = node;
        return std::move(out_);
      }
    }
    return std::move(out_);
  }

 private:
  // ---- what is known of values
  std::int64_t factor(Handle h) const {  // 0: does not carry the batch
    const auto found = out_.values.carriers.find(h);
    return found == out_.values.carriers.end() ? 0 : found->second;
  }
  bool touched(Handle h) const { return h != HT_NONE && (factor(h) != 0 || out_.values.shapes.contains(h)); }
  std::optional<std::size_t> rank(Handle h) const {
    if (const auto made = reshaped_.find(h); made != reshaped_.end()) return made->second.size();
    const model::ValueType &type = m_.value(h).type;
    return type.has_shape ? std::optional(type.dims.size()) : std::nullopt;
  }
  std::int64_t extent(Handle h, std::size_t axis) const {
    if (const auto made = reshaped_.find(h); made != reshaped_.end()) return made->second[axis];
    return m_.value(h).type.dims[axis].extent;
  }
  // Elements of one entry of axis 0.
  std::optional<std::int64_t> entry(Handle h) const {
    if (!rank(h)) return std::nullopt;
    std::int64_t product = 1;
    for (std::size_t i = 1; i < *rank(h); ++i) {
      if (extent(h, i) < 0) return std::nullopt;
      product *= extent(h, i);
    }
    return product;
  }
  const model::Tensor *constant(Handle h) const { return stored_tensor(m_, h); }
  std::optional<Ints> numbers(Handle h) const {
    const model::Tensor *tensor = constant(h);
    if (tensor == nullptr || (tensor->dtype() != HT_I64 && tensor->dtype() != HT_I32)) return std::nullopt;
    return tensor->to_ints();
  }
  std::int64_t integer(const model::Node &node, std::string_view name, std::int64_t deflt) const {
    const auto found = node.attributes.find(name);
    if (found == node.attributes.end()) return deflt;
    const auto *value = std::get_if<std::int64_t>(&found->second.data);
    return value == nullptr ? deflt : *value;
  }
  std::optional<Ints> attribute_ints(const model::Node &node, std::string_view name) const {
    const auto found = node.attributes.find(name);
    if (found == node.attributes.end()) return std::nullopt;
    const auto *values = std::get_if<Ints>(&found->second.data);
    return values == nullptr ? std::nullopt : std::optional(*values);
  }
  Handle input(const model::Node &node, std::size_t slot) const {
    return slot < node.inputs.size() ? node.inputs[slot] : HT_NONE;
  }
  // The shape that a value holds, as far as it is numbers and extents.
  std::optional<std::vector<Extent>> shape_in(Handle h) const {
    if (h == HT_NONE) return std::nullopt;
    const auto found = out_.values.shapes.find(h);
    if (found != out_.values.shapes.end()) return found->second;
    const auto values = numbers(h);
    if (!values) return std::nullopt;
    std::vector<Extent> out;
    for (const std::int64_t v : *values) out.push_back({v, false});
    return out;
  }

  // ---- outcomes
  bool tied(std::string why) {
    out_.why = std::move(why);
    return false;
  }
  bool carries(const model::Node &node, std::int64_t factor) {
    for (const Handle h : node.outputs) {
      if (h != HT_NONE) out_.values.carriers[h] = factor;
    }
    return true;
  }
  bool holds(const model::Node &node, std::vector<Extent> shape) {
    out_.values.shapes[node.outputs[0]] = std::move(shape);
    return true;
  }

  // ---- rules
  bool visit(Handle handle) {
    const model::Node &node = m_.node(handle);
    const bool any = std::ranges::any_of(node.inputs, [&](Handle h) { return touched(h); }) ||
                     std::ranges::any_of(m_.captured_values(handle), [&](Handle h) { return touched(h); });
    if (!any) return true;
    if (!m_.subgraphs(handle).empty()) return tied("its body computes with the batch");
    if (!node.domain.empty()) return tied("nothing is known about operators of domain '" + node.domain + "'");
    if (node.op_type == "Shape") return shape_of(node);
    const bool on_shapes =
        std::ranges::any_of(node.inputs, [&](Handle h) { return h != HT_NONE && out_.values.shapes.contains(h); });
    if (node.op_type == "Reshape") return reshape(handle, node);
    if (node.op_type == "Expand") return expand(handle, node);
    if (on_shapes) return shape_arithmetic(node);
    return sample_by_sample(node);
  }

  bool sample_by_sample(const model::Node &node) {
    const std::string_view type = node.op_type;
    const Handle x = input(node, 0);
    if (is_one_of(type, kBroadcast)) return broadcast(node);
    if (type == "MatMul") return product(node);
    if (type == "Concat") return concat(node);
    if (type == "Gather" && factor(x) == 0 && integer(node, "axis", 0) == 0 && factor(input(node, 1)) != 0) {
      return carries(node, factor(input(node, 1)));  // a table that samples look into
    }
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      if (touched(node.inputs[i])) return tied("an operand behind its first depends on the batch");
    }
    const std::int64_t f = factor(x);
    if (type == "MaxPool" && node.outputs.size() > 1) return tied("its indices count through all samples");
    if (type.ends_with("QuantizeLinear") || type == "DequantizeLinear") {
      if (integer(node, "axis", 1) == 0) return tied("its scales follow axis 0");
    }
    if (is_one_of(type, kAlongSamples) || is_one_of(type, kWithParameters)) return carries(node, f);
    if (!rank(x)) return tied("the rank of its input is not known");
    const auto axis_of = [&](std::int64_t deflt) {
      const std::int64_t axis = integer(node, "axis", deflt);
      return axis < 0 ? axis + static_cast<std::int64_t>(*rank(x)) : axis;
    };
    if (type == "LayerNormalization" || type == "RMSNormalization") {
      return axis_of(-1) >= 1 ? carries(node, f) : tied("it computes over axis 0");
    }
    if (is_one_of(type, kOneAxis)) {
      const bool arg = type.starts_with("Arg");
      return axis_of(arg ? 0 : -1) >= 1 ? carries(node, f) : tied("it computes over axis 0");
    }
    if (type == "Split" || type == "Gather") return axis_of(0) >= 1 ? carries(node, f) : tied("it cuts axis 0");
    if (type == "TopK") return axis_of(-1) >= 1 ? carries(node, f) : tied("it computes over axis 0");
    if (type == "Gemm") {
      const Handle c = input(node, 2);
      const bool own_rows = c != HT_NONE && (!rank(c) || (*rank(c) == 2 && extent(c, 0) != 1));
      if (own_rows) return tied("its bias has rows of its own");
      return integer(node, "transA", 0) == 0 ? carries(node, f) : tied("it transposes axis 0");
    }
    if (type == "Flatten") return axis_of(1) == 1 ? carries(node, f) : tied("it joins axis 0 with others");
    if (type == "Transpose") {
      const auto perm = attribute_ints(node, "perm");
      return perm && !perm->empty() && perm->front() == 0 ? carries(node, f) : tied("it moves axis 0");
    }
    return with_axes(node, x, f);
  }

  bool with_axes(const model::Node &node, Handle x, std::int64_t f) {
    const std::string_view type = node.op_type;
    const bool reduces = is_one_of(type, kReductions);
    if (reduces || type == "Squeeze" || type == "Unsqueeze") {
      std::optional<Ints> axes = attribute_ints(node, "axes");
      if (!axes) axes = numbers(input(node, 1));
      if (!axes || axes->empty()) return tied("its axes are all, or not known");
      const std::int64_t count =
          static_cast<std::int64_t>(*rank(x)) + (type == "Unsqueeze" ? static_cast<std::int64_t>(axes->size()) : 0);
      const bool first = std::ranges::any_of(*axes, [&](std::int64_t a) { return a == 0 || a == -count; });
      return first ? tied("it changes axis 0") : carries(node, f);
    }
    if (type == "Slice") {
      const auto axes = numbers(input(node, 3));
      const auto rank_of = static_cast<std::int64_t>(*rank(x));
      const bool known = axes && std::ranges::none_of(*axes, [&](std::int64_t a) { return a == 0 || a == -rank_of; });
      return known ? carries(node, f) : tied("it cuts axis 0, or axes that are not known");
    }
    if (type == "Pad") {
      const auto pads = numbers(input(node, 1));
      const bool known = pads && input(node, 3) == HT_NONE && pads->size() == 2 * *rank(x) && (*pads)[0] == 0 &&
                         (*pads)[*rank(x)] == 0;
      return known ? carries(node, f) : tied("it pads axis 0, or axes that are not known");
    }
    if (type == "Resize" || type == "Upsample") {
      const std::size_t slot = type == "Resize" ? 2 : 1;
      const model::Tensor *scales = constant(input(node, slot));
      const bool known = scales != nullptr && scales->dtype() == HT_F32 &&
                         scales->count() == static_cast<std::int64_t>(*rank(x)) && scales->floats().front() == 1.0F;
      return known ? carries(node, f) : tied("the size that it makes is fixed");
    }
    if (type == "Tile") {
      const auto repeats = numbers(input(node, 1));
      return repeats && !repeats->empty() && repeats->front() == 1 ? carries(node, f) : tied("it repeats axis 0");
    }
    return tied("nothing is known about what it does to axis 0");
  }

  // All operands of the largest rank carry the batch or have extent 1 there; the others do not reach axis 0.
  bool broadcast(const model::Node &node) {
    std::size_t most = 0;
    std::int64_t f = 0;
    for (const Handle h : node.inputs) {
      if (h == HT_NONE) continue;
      if (!rank(h)) return tied("the rank of its operand '" + m_.value(h).name + "' is not known");
      if (factor(h) != 0 && f != 0 && factor(h) != f) return tied("its operands count samples differently");
      if (factor(h) != 0) f = factor(h);
      most = std::max(most, *rank(h));
    }
    for (const Handle h : node.inputs) {
      if (h == HT_NONE) continue;
      if (factor(h) != 0 && *rank(h) != most) return tied("it broadcasts axis 0 to another");
      if (factor(h) == 0 && *rank(h) == most && extent(h, 0) != 1) {
        return tied(fmt::format("its operand '{}' has {} rows", m_.value(h).name, extent(h, 0)));
      }
    }
    return carries(node, f);
  }

  bool product(const model::Node &node) {
    const Handle a = input(node, 0), b = input(node, 1);
    if (!rank(a) || !rank(b)) return tied("the rank of its operands is not known");
    const bool both = factor(a) != 0 && factor(b) != 0;
    if (both) {
      const bool by_sample = *rank(a) == *rank(b) && *rank(a) >= 3 && factor(a) == factor(b);
      return by_sample ? carries(node, factor(a)) : tied("it sums over axis 0");
    }
    if (factor(a) != 0) {
      const bool plain =
          *rank(a) >= 2 && (*rank(b) < *rank(a) || (*rank(b) == 2 && *rank(a) == 2) || extent(b, 0) == 1);
      return plain ? carries(node, factor(a)) : tied("its second operand has rows of its own");
    }
    const bool plain = *rank(b) >= 3 && (*rank(a) < *rank(b) || extent(a, 0) == 1);
    return plain ? carries(node, factor(b)) : tied("it sums over axis 0");
  }

  bool concat(const model::Node &node) {
    const Handle first = input(node, 0);
    const std::int64_t axis = integer(node, "axis", 0);
    if (!rank(first) || axis == 0 || axis == -static_cast<std::int64_t>(*rank(first)))
      return tied("it joins along axis 0");
    const bool same = std::ranges::all_of(node.inputs, [&](Handle h) { return factor(h) == factor(first); });
    return same && factor(first) != 0 ? carries(node, factor(first)) : tied("an operand has rows of its own");
  }

  bool shape_of(const model::Node &node) {
    const Handle x = input(node, 0);
    if (factor(x) == 0 || !rank(x)) return tied("the shape that it reads is not known");
    std::vector<Extent> shape;
    for (std::size_t i = 0; i < *rank(x); ++i) shape.push_back({i == 0 ? factor(x) : extent(x, i), i == 0});
    const auto size = static_cast<std::int64_t>(shape.size());
    const auto bound = [&](std::string_view name, std::int64_t deflt) {
      const std::int64_t at = integer(node, name, deflt);
      return std::clamp(at < 0 ? at + size : at, std::int64_t{0}, size);
    };
    const std::int64_t start = bound("start", 0), end = std::max(start, bound("end", size));
    return holds(node, {shape.begin() + start, shape.begin() + end});
  }

  // The operators by which exporters put a shape together.
  bool shape_arithmetic(const model::Node &node) {
    const std::string_view type = node.op_type;
    const auto x = shape_in(input(node, 0));
    if (type == "Concat") {
      std::vector<Extent> out;
      for (const Handle h : node.inputs) {
        const auto part = shape_in(h);
        if (!part) return tied("a part of the shape is not known");
        out.insert(out.end(), part->begin(), part->end());
      }
      return holds(node, std::move(out));
    }
    if (!x) return tied("it computes with the batch");
    if (type == "Unsqueeze" || type == "Squeeze" || type == "Identity" || type == "Cast") return holds(node, *x);
    if (type == "Gather") {
      const auto at = numbers(input(node, 1));
      std::vector<Extent> out;
      for (const std::int64_t i : at.value_or(Ints())) {
        const std::int64_t k = i < 0 ? i + static_cast<std::int64_t>(x->size()) : i;
        if (k < 0 || k >= static_cast<std::int64_t>(x->size())) return tied("it reads beyond the shape");
        out.push_back((*x)[static_cast<std::size_t>(k)]);
      }
      return at ? holds(node, std::move(out)) : tied("which extent it reads is not known");
    }
    if (type == "Slice") {
      const auto from = numbers(input(node, 1)), to = numbers(input(node, 2)), step = numbers(input(node, 4));
      if (!from || !to || from->size() != 1 || (step && step->front() != 1))
        return tied("which extents it reads is not known");
      const auto size = static_cast<std::int64_t>(x->size());
      const auto clamp = [&](std::int64_t at) { return std::clamp(at < 0 ? at + size : at, std::int64_t{0}, size); };
      const std::int64_t a = clamp(from->front()), b = std::max(a, clamp(to->front()));
      return holds(node, {x->begin() + a, x->begin() + b});
    }
    return tied("it computes with the batch");
  }

  // [batch * f, entry...] to [batch * g, other...]: right when f * entry == g * other.
  bool reshape(Handle handle, const model::Node &node) {
    const Handle x = input(node, 0);
    const auto wanted = shape_in(input(node, 1));
    const auto whole = entry(x);
    if (factor(x) == 0) return tied("the shape that it makes depends on the batch");
    if (!wanted || wanted->empty()) return tied("the shape that it makes is not known");
    if (!whole) return tied("the shape of its input is not known");
    const bool zero_is_zero = integer(node, "allowzero", 0) != 0;
    std::int64_t known = 1, open = -1;
    for (std::size_t i = 1; i < wanted->size(); ++i) {
      std::int64_t e = (*wanted)[i].number;
      if ((*wanted)[i].times_batch) return tied("it moves the batch to another axis");
      if (e == 0 && !zero_is_zero && i < *rank(x)) e = extent(x, i);
      if (e == -1) {
        open = static_cast<std::int64_t>(i);
      } else {
        known *= e;
      }
    }
    const std::int64_t sample = factor(x) * *whole;
    if (known <= 0 || sample % known != 0) return tied("it mixes samples");
    const Extent first = (*wanted)[0];
    const bool by_itself = first.times_batch || first.number == -1 || (first.number == 0 && !zero_is_zero);
    std::int64_t made = sample / known;  // rows of the output for each sample, where no other extent is open
    if (open >= 0) {
      if (first.times_batch)
        made = first.number;
      else if (first.number == 0)
        made = factor(x);
      else if (batch_ > 0 && first.number > 0 && first.number % batch_ == 0)
        made = first.number / batch_;
      else
        return tied("it mixes samples");
    }
    if (made > 0 && (sample / known) % made == 0) {
      Ints &shape = reshaped_[node.outputs[0]];
      shape = {made * batch_};
      for (std::size_t i = 1; i < wanted->size(); ++i) {
        const std::int64_t e = (*wanted)[i].number;
        shape.push_back(e == -1 ? sample / known / made : e == 0 && !zero_is_zero && i < *rank(x) ? extent(x, i) : e);
      }
    }
    if (made <= 0 || (sample / known) % made != 0) return tied("it mixes samples");
    if (by_itself) {
      const std::int64_t says = first.times_batch ? first.number : first.number == 0 ? factor(x) : made;
      return says == made ? carries(node, made) : tied("it mixes samples");
    }
    // Of a free batch, a shape that leaves one choice says for which batch it was written.
    if (batch_ == 0 && open < 0 && first.number > made && first.number % made == 0) batch_ = first.number / made;
    if (first.number != made * batch_) return tied(fmt::format("it makes {} rows, which are no samples", first.number));
    if (!numbers(input(node, 1))) return tied("the shape that it makes is computed and has the batch in it");
    Ints repaired = *numbers(input(node, 1));
    repaired[0] = made == factor(x) && !zero_is_zero ? 0 : -1;
    if (repaired[0] == -1 && open >= 0) repaired[static_cast<std::size_t>(open)] = sample / known / made;
    out_.repairs.push_back({handle, 1, std::move(repaired)});
    return carries(node, made);
  }

  bool expand(Handle handle, const model::Node &node) {
    const Handle x = input(node, 0);
    const auto shape = numbers(input(node, 1));
    if (factor(x) == 0 || !shape || !rank(x)) return tied("the shape that it makes is not known");
    if (shape->size() > *rank(x)) return tied("it puts axes before axis 0");
    if (shape->size() < *rank(x) || shape->front() == 1) return carries(node, factor(x));
    if (shape->front() != factor(x) * batch_) return tied("it repeats axis 0");
    Ints repaired = *shape;
    repaired[0] = 1;
    out_.repairs.push_back({handle, 1, std::move(repaired)});
    return carries(node, factor(x));
  }

  const model::Model &m_;
  std::int64_t batch_;
  std::map<Handle, Ints> reshaped_;  // shapes that a Reshape makes, where the model does not tell
  BatchProof out_;
};

}  // namespace

bool may_have_fixed_shapes(const model::Model &m) {
  for (const Handle h : m.graph(m.main_graph()).inputs) {
    const model::Value &v = m.value(h);
    if (v.initializer) continue;
    if (!v.type.has_shape || v.type.dims.empty() || v.type.dims[0].extent >= 0) return false;
  }
  return std::ranges::any_of(m.graph(m.main_graph()).nodes, [&](Handle n) {
    const model::Node &node = m.node(n);
    if (node.op_type != "Reshape" || node.inputs.size() != 2) return false;
    const model::Tensor *shape = stored_tensor(m, node.inputs[1]);
    return shape != nullptr && shape->dtype() == HT_I64 && shape->count() > 0 && shape->ints().front() > 1;
  });
}

std::optional<std::int64_t> fixed_batch(const model::Model &m) {
  std::optional<std::int64_t> batch;
  for (const Handle h : m.graph(m.main_graph()).inputs) {
    const model::Value &v = m.value(h);
    if (v.initializer) continue;
    if (!v.type.has_shape || v.type.dims.empty() || v.type.dims[0].extent <= 1) return std::nullopt;
    if (batch && *batch != v.type.dims[0].extent) return std::nullopt;
    batch = v.type.dims[0].extent;
  }
  return batch;
}

BatchProof prove_batch(const model::Model &m, std::int64_t batch) {
  return Proof(m, batch).run();
}

}  // namespace halftone::pipeline
