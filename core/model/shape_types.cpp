#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "core/model/shape_values.h"

namespace halftone::model {

namespace {

Dim dim_of(const ShapeEntry &entry) {
  if (!entry.number) return {-1, entry.symbol};
  return {*entry.number < 0 ? -1 : *entry.number, {}};
}

bool is_open(const Dim &dim) {
  return dim.extent < 0 && dim.symbol.empty();
}

// The first output has the shape of input 0, and its type. Of operators that a later shape often looks through.
bool keeps_shape(const std::string &op_type) {
  static const std::set<std::string, std::less<>> kTypes = {"Abs",
                                                            "BatchNormalization",
                                                            "Ceil",
                                                            "Clip",
                                                            "Dropout",
                                                            "Elu",
                                                            "Erf",
                                                            "Exp",
                                                            "Floor",
                                                            "Gelu",
                                                            "Identity",
                                                            "LeakyRelu",
                                                            "Log",
                                                            "LayerNormalization",
                                                            "HardSwish",
                                                            "HardSigmoid",
                                                            "InstanceNormalization",
                                                            "LogSoftmax",
                                                            "Mish",
                                                            "Neg",
                                                            "Reciprocal",
                                                            "Relu",
                                                            "Round",
                                                            "Selu",
                                                            "Sigmoid",
                                                            "Sin",
                                                            "Cos",
                                                            "Softmax",
                                                            "Softplus",
                                                            "Softsign",
                                                            "Sqrt",
                                                            "Tanh",
                                                            "ThresholdedRelu"};
  return kTypes.contains(op_type);
}

// Of two inputs that are broadcast to one shape, with the type of both.
bool is_elementwise(const std::string &op_type) {
  static const std::set<std::string, std::less<>> kTypes = {"Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu"};
  return kTypes.contains(op_type);
}

// What is left for the -1 of a Reshape: the elements of the data over those of the other axes. Symbols cancel; nothing
// where one is left, or where an extent is unknown or zero.
std::optional<std::int64_t> remaining(const std::vector<Dim> &data, const std::vector<Dim> &others) {
  std::multiset<std::string> symbols;
  std::int64_t elements = 1, taken = 1;
  for (const Dim &dim : data) {
    if (is_open(dim) || dim.extent == 0) return std::nullopt;
    if (dim.extent < 0) {
      symbols.insert(dim.symbol);
    } else if (__builtin_mul_overflow(elements, dim.extent, &elements)) {
      return std::nullopt;
    }
  }
  for (const Dim &dim : others) {
    if (is_open(dim) || dim.extent == 0) return std::nullopt;
    if (dim.extent < 0) {
      const auto same = symbols.find(dim.symbol);
      if (same == symbols.end()) return std::nullopt;
      symbols.erase(same);
    } else if (__builtin_mul_overflow(taken, dim.extent, &taken)) {
      return std::nullopt;
    }
  }
  if (!symbols.empty() || elements % taken != 0) return std::nullopt;
  return elements / taken;
}

class Typer {
 public:
  Typer(const ShapeValues &values, const DimsOf &dims_of) : values_(values), dims_of_(dims_of) {}

  // The shape of the node's output, or nothing.
  std::optional<std::vector<Dim>> shape_of(const Node &node) const {
    if (node.op_type == "Reshape") return reshaped(node);
    if (node.op_type == "Expand") return expanded(node);
    if (node.op_type == "ConstantOfShape") return entries(node, 0);
    if (node.op_type == "Resize") return resized(node);
    if (node.op_type == "Pad") return padded(node);
    if (node.op_type == "Slice" || node.op_type == "Tile") return of_same_rank(node);
    if (node.op_type == "Transpose") return transposed(node);
    if (node.op_type == "MatMul") return product(node);
    if (keeps_shape(node.op_type)) return dims(node, 0);
    if (is_elementwise(node.op_type) && node.inputs.size() == 2) return broadcast(dims(node, 0), dims(node, 1));
    return std::nullopt;
  }

 private:
  std::optional<std::vector<Dim>> entries(const Node &node, std::size_t slot) const {
    if (slot >= node.inputs.size() || node.inputs[slot] == HT_NONE) return std::nullopt;
    const ShapeValue *found = values_.find(node.inputs[slot]);
    if (found == nullptr || found->is_scalar) return std::nullopt;
    std::vector<Dim> out;
    for (const ShapeEntry &entry : found->entries) out.push_back(dim_of(entry));
    return out;
  }

  // Of an input; nothing where its rank is unknown.
  std::optional<std::vector<Dim>> dims(const Node &node, std::size_t slot) const {
    if (slot >= node.inputs.size() || node.inputs[slot] == HT_NONE) return std::nullopt;
    return dims_of_(node.inputs[slot]);
  }

  std::optional<std::vector<Dim>> reshaped(const Node &node) const {
    auto out = entries(node, 1);
    if (!out) return std::nullopt;
    const auto data = dims(node, 0);
    const std::vector<ShapeEntry> &target = values_.find(node.inputs[1])->entries;
    const auto allow = node.attributes.find("allowzero");
    const auto *zero = allow == node.attributes.end() ? nullptr : std::get_if<std::int64_t>(&allow->second.data);
    const bool copies_zero = zero == nullptr || *zero == 0;
    std::optional<std::size_t> rest;
    for (std::size_t i = 0; i < out->size(); ++i) {
      // What is computed may come out as 0 or -1, which stand for other extents; that of a value never does.
      const std::optional<std::int64_t> &number = target[i].number;
      if (number && *number == 0 && copies_zero) (*out)[i] = data && i < data->size() ? (*data)[i] : Dim{};
      if (number && *number == -1) rest = i;
    }
    if (!rest || !data) return out;
    std::vector<Dim> others = *out;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(*rest));
    if (const auto extent = remaining(*data, others)) (*out)[*rest] = {*extent, {}};
    return out;
  }

  std::optional<std::vector<Dim>> expanded(const Node &node) const {
    return broadcast(dims(node, 0), entries(node, 1));
  }

  static std::optional<std::vector<Dim>> broadcast(const std::optional<std::vector<Dim>> &left,
                                                   const std::optional<std::vector<Dim>> &right) {
    if (!left || !right) return std::nullopt;
    const std::size_t rank = std::max(left->size(), right->size());
    std::vector<Dim> out;
    for (std::size_t i = 0; i < rank; ++i) {
      const Dim one{1, {}};
      const Dim a = i + left->size() < rank ? one : (*left)[i + left->size() - rank];
      const Dim b = i + right->size() < rank ? one : (*right)[i + right->size() - rank];
      const bool same = a.extent == b.extent && a.symbol == b.symbol;
      out.push_back(same || b.extent == 1 ? a : a.extent == 1 ? b : a.extent > 1 ? a : b.extent > 1 ? b : Dim{});
    }
    return out;
  }

  std::optional<std::vector<Dim>> transposed(const Node &node) const {
    const auto data = dims(node, 0);
    if (!data) return std::nullopt;
    std::vector<Dim> out(data->rbegin(), data->rend());
    const auto found = node.attributes.find("perm");
    if (found == node.attributes.end()) return out;
    const auto *perm = std::get_if<std::vector<std::int64_t>>(&found->second.data);
    if (perm == nullptr || perm->size() != data->size()) return std::nullopt;
    for (std::size_t i = 0; i < perm->size(); ++i) {
      const auto axis = static_cast<std::size_t>((*perm)[i]);
      if (axis >= data->size()) return std::nullopt;
      out[i] = (*data)[axis];
    }
    return out;
  }

  std::optional<std::vector<Dim>> product(const Node &node) const {
    auto a = dims(node, 0), b = dims(node, 1);
    if (!a || !b || a->size() < 2 || b->size() < 2) return std::nullopt;
    const Dim rows = (*a)[a->size() - 2], columns = b->back();
    a->resize(a->size() - 2);
    b->resize(b->size() - 2);
    auto out = broadcast(a, b);
    out->push_back(rows);
    out->push_back(columns);
    return out;
  }

  std::optional<std::vector<Dim>> resized(const Node &node) const {
    const auto data = dims(node, 0);
    if (!data) return std::nullopt;
    auto sizes = entries(node, 3);
    const bool all = sizes && sizes->size() == data->size() && node.attributes.find("axes") == node.attributes.end() &&
                     node.attributes.find("keep_aspect_ratio_policy") == node.attributes.end();
    return all ? *sizes : std::vector<Dim>(data->size());
  }

  // Which extents change is not looked at.
  std::optional<std::vector<Dim>> of_same_rank(const Node &node) const {
    const auto data = dims(node, 0);
    return data ? std::optional(std::vector<Dim>(data->size())) : std::nullopt;
  }

  std::optional<std::vector<Dim>> padded(const Node &node) const {
    auto out = of_same_rank(node);
    const bool some_axes = node.inputs.size() > 3 && node.inputs[3] != HT_NONE;
    if (!out || some_axes || node.inputs.size() < 2 || node.inputs[1] == HT_NONE) return out;
    const ShapeValue *pads = values_.find(node.inputs[1]);
    const std::vector<Dim> data = *dims(node, 0);
    if (pads == nullptr || pads->entries.size() != 2 * data.size()) return out;
    for (std::size_t axis = 0; axis < data.size(); ++axis) {
      const auto &before = pads->entries[axis].number, &after = pads->entries[axis + data.size()].number;
      if (!before || !after) continue;
      if (*before == 0 && *after == 0) (*out)[axis] = data[axis];
      std::int64_t extent = 0;
      const bool overflows = __builtin_add_overflow(data[axis].extent, *before, &extent) ||
                             __builtin_add_overflow(extent, *after, &extent);
      if (!overflows && data[axis].extent >= 0 && extent >= 0) (*out)[axis] = {extent, {}};
    }
    return out;
  }

  const ShapeValues &values_;
  const DimsOf &dims_of_;
};

// What is known of a value before and what was found: a rank that differs is not taken over.
std::vector<Dim> joined(const std::optional<std::vector<Dim>> &known, const std::vector<Dim> &found) {
  if (!known || known->size() != found.size()) return known ? *known : found;
  std::vector<Dim> out = *known;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (is_open(out[i])) out[i] = found[i];
  }
  return out;
}

bool says_more(const std::vector<Dim> &found, const std::optional<std::vector<Dim>> &known) {
  if (!known) return true;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (is_open((*known)[i]) && !is_open(found[i])) return true;
  }
  return false;
}

}  // namespace

std::vector<std::pair<Handle, ValueType>> types_from_shapes(const Model &model) {
  std::vector<std::pair<Handle, ValueType>> types;
  std::map<Handle, ValueType> found;  // of values, beyond what the model says
  const DimsOf dims_of = [&](Handle h) -> std::optional<std::vector<Dim>> {
    const Value &value = model.value(h);
    if (value.initializer) {
      std::vector<Dim> out;
      for (const std::int64_t extent : value.initializer->shape()) out.push_back({extent, {}});
      return out;
    }
    if (const auto more = found.find(h); more != found.end()) return more->second.dims;
    return value.type.has_shape ? std::optional(value.type.dims) : std::nullopt;
  };
  const auto dtype_of = [&](Handle h) {
    const auto more = found.find(h);
    const Value &value = model.value(h);
    return value.initializer ? value.initializer->dtype() : more != found.end() ? more->second.dtype : value.type.dtype;
  };
  ShapeValues values(model, dims_of);
  const Typer typer(values, dims_of);
  for (const Handle handle : model.topological_order(model.main_graph())) {
    const Node &node = model.node(handle);
    values.visit(node);
    if (!node.domain.empty() || node.inputs.empty() || node.outputs.empty() || node.outputs[0] == HT_NONE) continue;
    const auto dims = typer.shape_of(node);
    if (!dims) continue;
    const Handle out = node.outputs[0];
    const auto known = dims_of(out);
    const std::vector<Dim> all = joined(known, *dims);
    if (!says_more(all, known)) continue;
    ht_dtype dtype = model.value(out).type.dtype;
    if (dtype == HT_DTYPE_NONE && node.op_type != "ConstantOfShape" && node.inputs[0] != HT_NONE)
      dtype = dtype_of(node.inputs[0]);
    found[out] = {dtype, true, all};
    types.emplace_back(out, found[out]);
  }
  return types;
}

}  // namespace halftone::model
