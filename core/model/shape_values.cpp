#include "core/model/shape_values.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "halftone/tensor.h"

namespace halftone::model {

namespace {

constexpr std::size_t kMostEntries = 2 * HT_MAX_RANK;  // pads have two for each axis

std::optional<std::int64_t> attribute_int(const Node &node, std::string_view name) {
  const auto found = node.attributes.find(name);
  if (found == node.attributes.end()) return std::nullopt;
  const auto *value = std::get_if<std::int64_t>(&found->second.data);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<ShapeValue> of_tensor(const Tensor &tensor) {
  const bool wide = tensor.dtype() == HT_I64;
  if ((!wide && tensor.dtype() != HT_I32) || tensor.shape().size() > 1) return std::nullopt;
  const auto count = static_cast<std::size_t>(tensor.count());
  if (count > kMostEntries) return std::nullopt;
  ShapeValue out{tensor.shape().empty(), {}};
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte *at = tensor.bytes().data() + i * (wide ? 8 : 4);
    std::int64_t number = 0;
    std::int32_t narrow = 0;
    if (wide) {
      std::memcpy(&number, at, sizeof number);
    } else {
      std::memcpy(&narrow, at, sizeof narrow);
      number = narrow;
    }
    out.entries.push_back({number, {}});
  }
  return out;
}

std::optional<std::vector<std::int64_t>> numbers(const ShapeValue *value) {
  if (value == nullptr) return std::nullopt;
  std::vector<std::int64_t> out;
  for (const ShapeEntry &entry : value->entries) {
    if (!entry.number) return std::nullopt;
    out.push_back(*entry.number);
  }
  return out;
}

// Of extents, which are small; nothing where it would overflow.
std::optional<std::int64_t> calculated(const std::string &op, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  if (op == "Add") return __builtin_add_overflow(a, b, &out) ? std::nullopt : std::optional(out);
  if (op == "Sub") return __builtin_sub_overflow(a, b, &out) ? std::nullopt : std::optional(out);
  if (op == "Mul") return __builtin_mul_overflow(a, b, &out) ? std::nullopt : std::optional(out);
  if (op == "Max") return std::max(a, b);
  if (op == "Min") return std::min(a, b);
  if (op != "Div" || b == 0 || (a == std::numeric_limits<std::int64_t>::min() && b == -1)) return std::nullopt;
  return a / b;
}

ShapeEntry combine(const std::string &op, const ShapeEntry &a, const ShapeEntry &b) {
  if (a.number && b.number) return {calculated(op, *a.number, *b.number), {}};
  const auto is = [](const ShapeEntry &entry, std::int64_t number) { return entry.number && *entry.number == number; };
  const bool keeps_a = ((op == "Add" || op == "Sub") && is(b, 0)) || ((op == "Mul" || op == "Div") && is(b, 1));
  if (keeps_a) return a;
  if ((op == "Add" && is(a, 0)) || (op == "Mul" && is(a, 1))) return b;
  return {};
}

class Evaluation {
  using Result = std::optional<ShapeValue>;
  using Rule = Result (Evaluation::*)(const Node &) const;

 public:
  Evaluation(const Model &model, const DimsOf &dims_of, const std::map<Handle, ShapeValue> &values)
      : model_(model), dims_of_(dims_of), values_(values) {}

  std::optional<ShapeValue> of_node(const Node &node) const {
    static const std::map<std::string, Rule, std::less<>> kRules = {{"Constant", &Evaluation::constant},
                                                                    {"Shape", &Evaluation::shape},
                                                                    {"Gather", &Evaluation::gather},
                                                                    {"Slice", &Evaluation::slice},
                                                                    {"Concat", &Evaluation::concat},
                                                                    {"Unsqueeze", &Evaluation::to_vector},
                                                                    {"Reshape", &Evaluation::reshape},
                                                                    {"Squeeze", &Evaluation::squeeze},
                                                                    {"Cast", &Evaluation::same},
                                                                    {"Identity", &Evaluation::same},
                                                                    {"Add", &Evaluation::arithmetic},
                                                                    {"Sub", &Evaluation::arithmetic},
                                                                    {"Mul", &Evaluation::arithmetic},
                                                                    {"Div", &Evaluation::arithmetic},
                                                                    {"Max", &Evaluation::arithmetic},
                                                                    {"Min", &Evaluation::arithmetic},
                                                                    {"ReduceProd", &Evaluation::reduce_prod}};
    const auto rule = kRules.find(node.op_type);
    return rule == kRules.end() ? std::nullopt : (this->*rule->second)(node);
  }

 private:
  const ShapeValue *input(const Node &node, std::size_t slot) const {
    if (slot >= node.inputs.size() || node.inputs[slot] == HT_NONE) return nullptr;
    const auto found = values_.find(node.inputs[slot]);
    return found == values_.end() ? nullptr : &found->second;
  }

  Result constant(const Node &node) const {
    if (const auto number = attribute_int(node, "value_int")) return ShapeValue{true, {{*number, {}}}};
    if (const auto list = node.attributes.find("value_ints"); list != node.attributes.end()) {
      ShapeValue out;
      if (const auto *ints = std::get_if<std::vector<std::int64_t>>(&list->second.data)) {
        for (const std::int64_t number : *ints) out.entries.push_back({number, {}});
        return out;
      }
    }
    const auto value = node.attributes.find("value");
    const auto *tensor = value == node.attributes.end() ? nullptr : std::get_if<Tensor>(&value->second.data);
    return tensor == nullptr ? std::nullopt : of_tensor(*tensor);
  }

  Result shape(const Node &node) const {
    if (node.inputs.empty() || node.inputs[0] == HT_NONE) return std::nullopt;
    const auto dims = dims_of_(node.inputs[0]);
    if (!dims) return std::nullopt;
    ShapeValue out;
    for (const Dim &dim : *dims)
      out.entries.push_back(dim.extent >= 0 ? ShapeEntry{dim.extent, {}} : ShapeEntry{std::nullopt, dim.symbol});
    const auto rank = static_cast<std::int64_t>(out.entries.size());
    const auto inside = [&](std::int64_t axis) {
      return std::clamp<std::int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
    };
    const std::int64_t start = inside(attribute_int(node, "start").value_or(0));
    const std::int64_t end = inside(attribute_int(node, "end").value_or(rank));
    if (start >= end) return ShapeValue{};
    return ShapeValue{false, {out.entries.begin() + start, out.entries.begin() + end}};
  }

  // Which entry it is may be unknown; how many there are is not.
  Result gather(const Node &node) const {
    if (attribute_int(node, "axis").value_or(0) != 0) return std::nullopt;
    const ShapeValue *from = input(node, 0);
    const auto at = numbers(input(node, 1));
    if (!at || !is_vector(node, 0)) return std::nullopt;
    ShapeValue out{input(node, 1)->is_scalar, {}};
    for (std::int64_t index : *at) {
      const auto count = static_cast<std::int64_t>(from == nullptr ? 0 : from->entries.size());
      if (index < 0) index += count;
      const bool known = from != nullptr && index >= 0 && index < count;
      out.entries.push_back(known ? from->entries[static_cast<std::size_t>(index)] : ShapeEntry{});
    }
    return out;
  }

  // Whether an input is a vector of integers, if of unknown length: then what is gathered from it is a scalar or
  // vector.
  bool is_vector(const Node &node, std::size_t slot) const {
    if (const ShapeValue *known = input(node, slot)) return !known->is_scalar;
    if (slot >= node.inputs.size() || node.inputs[slot] == HT_NONE) return false;
    const Value &value = model_.value(node.inputs[slot]);
    if (value.producer != HT_NONE && model_.node(value.producer).op_type == "Shape") return true;
    return value.type.has_shape && value.type.dims.size() == 1;
  }

  Result slice(const Node &node) const {
    const ShapeValue *from = input(node, 0);
    if (from == nullptr || from->is_scalar) return std::nullopt;
    const auto starts = numbers(input(node, 1)), ends = numbers(input(node, 2));
    if (!starts || !ends || starts->size() != 1 || ends->size() != 1) return std::nullopt;
    if (node.inputs.size() > 3 && node.inputs[3] != HT_NONE) {
      const auto axes = numbers(input(node, 3));
      if (!axes || axes->size() != 1 || (axes->front() != 0 && axes->front() != -1)) return std::nullopt;
    }
    if (node.inputs.size() > 4 && node.inputs[4] != HT_NONE) {
      const auto steps = numbers(input(node, 4));
      if (!steps || steps->size() != 1 || steps->front() != 1) return std::nullopt;
    }
    const auto count = static_cast<std::int64_t>(from->entries.size());
    const auto inside = [&](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + count : at, 0, count); };
    const std::int64_t start = inside(starts->front()), end = inside(ends->front());
    if (start >= end) return ShapeValue{};
    return ShapeValue{false, {from->entries.begin() + start, from->entries.begin() + end}};
  }

  Result concat(const Node &node) const {
    const std::int64_t axis = attribute_int(node, "axis").value_or(0);
    ShapeValue out;
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
      const ShapeValue *part = input(node, slot);
      if (part == nullptr || part->is_scalar || (axis != 0 && axis != -1)) return std::nullopt;
      out.entries.insert(out.entries.end(), part->entries.begin(), part->entries.end());
    }
    return out;
  }

  Result to_vector(const Node &node) const {
    const ShapeValue *from = input(node, 0);
    const auto axes = numbers(input(node, 1));
    if (from == nullptr || !from->is_scalar || !axes || axes->size() != 1) return std::nullopt;
    return ShapeValue{false, from->entries};
  }

  Result reshape(const Node &node) const {
    const ShapeValue *from = input(node, 0);
    const auto target = numbers(input(node, 1));
    if (from == nullptr || !target || target->size() > 1) return std::nullopt;
    return ShapeValue{target->empty(), from->entries};
  }

  Result squeeze(const Node &node) const {
    const ShapeValue *from = input(node, 0);
    if (from == nullptr || from->entries.size() != 1) return std::nullopt;
    return ShapeValue{true, from->entries};
  }

  Result same(const Node &node) const {
    const ShapeValue *from = input(node, 0);
    if (from == nullptr) return std::nullopt;
    const std::int64_t to = attribute_int(node, "to").value_or(kOnnxInt64);
    // Through a float a number comes back as it went, but what is computed there is rounded in another way.
    return to == kOnnxInt64 || to == kOnnxInt32 ? std::optional(*from) : std::nullopt;
  }

  Result arithmetic(const Node &node) const {
    const ShapeValue *a = input(node, 0), *b = input(node, 1);
    if (a == nullptr || b == nullptr || node.inputs.size() != 2) return std::nullopt;
    const std::size_t n = a->entries.size(), m = b->entries.size();
    if (n != m && n != 1 && m != 1) return std::nullopt;
    ShapeValue out{a->is_scalar && b->is_scalar, {}};
    for (std::size_t i = 0; i < (n == 1 ? m : n); ++i)
      out.entries.push_back(combine(node.op_type, a->entries[n == 1 ? 0 : i], b->entries[m == 1 ? 0 : i]));
    return out;
  }

  Result reduce_prod(const Node &node) const {
    const ShapeValue *from = input(node, 0);
    if (from == nullptr || from->is_scalar || (node.inputs.size() > 1 && node.inputs[1] != HT_NONE && !input(node, 1)))
      return std::nullopt;
    const ShapeValue *axes = input(node, 1);
    const bool no_axes = axes != nullptr && axes->entries.empty();
    if (no_axes && attribute_int(node, "noop_with_empty_axes").value_or(0) != 0) return *from;
    ShapeEntry product{1, {}};
    for (const ShapeEntry &entry : from->entries) product = combine("Mul", product, entry);
    return ShapeValue{attribute_int(node, "keepdims").value_or(1) == 0, {product}};
  }

  static constexpr std::int64_t kOnnxInt32 = 6, kOnnxInt64 = 7;
  const Model &model_;
  const DimsOf &dims_of_;
  const std::map<Handle, ShapeValue> &values_;
};

}  // namespace

ShapeValues::ShapeValues(const Model &model, const DimsOf &dims_of) : model_(model), dims_of_(dims_of) {
  for (const Handle value : model.graph(model.main_graph()).values) {
    if (!model.value(value).initializer) continue;
    if (auto known = of_tensor(*model.value(value).initializer)) values_[value] = std::move(*known);
  }
}

void ShapeValues::visit(const Node &node) {
  if (!node.domain.empty() || node.outputs.size() != 1 || node.outputs[0] == HT_NONE) return;
  auto known = Evaluation(model_, dims_of_, values_).of_node(node);
  if (known && known->entries.size() <= kMostEntries) values_[node.outputs[0]] = std::move(*known);
}

const ShapeValue *ShapeValues::find(Handle value) const {
  const auto found = values_.find(value);
  return found == values_.end() ? nullptr : &found->second;
}

}  // namespace halftone::model
