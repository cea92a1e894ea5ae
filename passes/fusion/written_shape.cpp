#include "written_shape.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "constants.h"

namespace halftone::passes {
namespace {

constexpr int kFarthest = 10;  // nodes that are looked through

using Extents = std::vector<std::int64_t>;

// The entries of a shape that the graph puts together; -1 for those that it computes.
std::optional<Extents> shape_entries(const sdk::Graph &graph, ht_handle shape) {
  if (auto constant = read_integers(graph, shape)) return constant;
  const ht_handle producer = shape == HT_NONE ? HT_NONE : graph.value(shape).info.producer;
  if (producer == HT_NONE || !graph.node(producer).is("Concat")) return std::nullopt;
  Extents entries;
  for (const ht_handle part : graph.node(producer).inputs()) {
    if (const auto constant = read_integers(graph, part)) {
      entries.insert(entries.end(), constant->begin(), constant->end());
      continue;
    }
    const ht_tensor_info type = graph.value(part).info.type;
    if (type.known_rank == 0 || type.rank != 1 || type.shape[0] != 1) return std::nullopt;
    entries.push_back(-1);
  }
  return entries;
}

ht_tensor_info type_of(const Extents &extents) {
  ht_tensor_info type{};
  type.struct_size = sizeof(type);
  if (extents.size() > HT_MAX_RANK) return type;
  type.known_rank = 1;
  type.rank = static_cast<std::uint32_t>(extents.size());
  // 0 copies an extent that is not known here.
  for (std::size_t i = 0; i < extents.size(); ++i) type.shape[i] = extents[i] > 0 ? extents[i] : -1;
  return type;
}

ht_tensor_info permuted(const ht_tensor_info &from, const Extents &order) {
  if (from.known_rank == 0 || order.size() != from.rank) return {};
  ht_tensor_info type = from;
  for (std::size_t i = 0; i < order.size(); ++i) type.shape[i] = from.shape[order[i]];
  return type;
}

ht_tensor_info look(const sdk::Graph &graph, ht_handle value, int left);

// Of a sum or product: of two known operands of one rank the extent that is not 1, of a constant that adds no axis the
// other operand's.
ht_tensor_info broadcast(const sdk::Graph &graph, const sdk::Node &node, int left) {
  ht_tensor_info a = look(graph, node.input(0), left), b = look(graph, node.input(1), left);
  if (a.known_rank == 0 || b.known_rank == 0) return {};
  if (a.rank < b.rank) std::swap(a, b);
  for (std::size_t i = 0; i < b.rank; ++i) {
    std::int64_t &extent = a.shape[a.rank - 1 - i];
    const std::int64_t other = b.shape[b.rank - 1 - i];
    // An unknown extent beside a known one above 1 is that one; beside 1 or another unknown one it may be anything.
    if (extent < 0 ? other > 1 : extent == 1) extent = other;
  }
  return a;
}

// Rows of any number of axes times a matrix.
ht_tensor_info product(const sdk::Graph &graph, const sdk::Node &node, int left) {
  ht_tensor_info type = look(graph, node.input(0), left);
  const ht_tensor_info weight = graph.value(node.input(1)).info.type;
  if (type.known_rank == 0 || type.rank < 2 || weight.known_rank == 0 || weight.rank != 2) return {};
  type.shape[type.rank - 1] = weight.shape[1];
  return type;
}

bool keeps_shape(const sdk::Node &node) {
  constexpr std::array kTypes = {"LayerNormalization", "Relu", "Gelu", "Erf", "Tanh", "Sigmoid", "Softmax", "Identity"};
  return std::ranges::any_of(kTypes, [&](const char *type) { return node.is(type); });
}

ht_tensor_info look(const sdk::Graph &graph, ht_handle value, int left) {
  const sdk::Value v = graph.value(value);
  if (v.info.type.known_rank != 0 || v.info.producer == HT_NONE || left == 0) return v.info.type;
  const sdk::Node node = graph.node(v.info.producer);
  if (node.is("Reshape")) {
    const auto entries = shape_entries(graph, node.input(1));
    return entries ? type_of(*entries) : v.info.type;
  }
  if (node.is("Transpose")) {
    return permuted(look(graph, node.input(0), left - 1), graph.attribute_ints(node.handle, "perm"));
  }
  if (node.is("MatMul")) return product(graph, node, left - 1);
  if (keeps_shape(node)) return look(graph, node.input(0), left - 1);
  if (node.is("Add") || node.is("Sub") || node.is("Mul") || node.is("Div")) return broadcast(graph, node, left - 1);
  return v.info.type;
}

}  // namespace

ht_tensor_info written_shape(const sdk::Graph &graph, ht_handle value) {
  ht_tensor_info type = look(graph, value, kFarthest);
  type.dtype = graph.value(value).info.type.dtype;
  return type;
}

}  // namespace halftone::passes
