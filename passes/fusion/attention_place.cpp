#include "attention_place.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "constants.h"
#include "extents.h"
#include "written_shape.h"

namespace halftone::passes {
namespace {

using Order = std::array<std::int64_t, 4>;
constexpr Order kSwapHeads = {0, 2, 1, 3};   // [B, S, H, D] and back
constexpr Order kTransposed = {0, 1, 3, 2};  // [B, H, S, D] to [B, H, D, S]
constexpr Order kBoth = {0, 2, 3, 1};        // [B, S, H, D] to [B, H, D, S]

class Search {
 public:
  Search(const sdk::Graph &graph, AttentionPlace &place) : graph_(graph), place_(place) {}

  bool scores(ht_handle value) {
    const auto node = producer_for_one(value);
    if (!node) return false;
    if (!node->is("Add")) return scaled_product(value);
    for (std::size_t slot = 0; slot < 2; ++slot) {
      AttentionPlace before = place_;
      place_.nodes.push_back(node->handle);
      place_.mask = node->input(1 - slot);
      if (node->input(0) != node->input(1) && scaled_product(node->input(slot))) return true;
      place_ = std::move(before);
    }
    return false;
  }

  // Whether the producer is a Transpose of this order; then its input takes the value's place.
  bool undo(ht_handle &value, const Order &order) {
    const ht_handle producer = graph_.value(value).info.producer;
    if (producer == HT_NONE) return false;
    const sdk::Node node = graph_.node(producer);
    if (!node.is("Transpose") || !std::ranges::equal(graph_.attribute_ints(producer, "perm"), order)) return false;
    if (producer_for_one(value)) place_.nodes.push_back(producer);
    value = node.input(0);
    return true;
  }

 private:
  // The node that makes a value, when the place alone reads it.
  std::optional<sdk::Node> producer_for_one(ht_handle value) const {
    const sdk::Value v = graph_.value(value);
    if (v.info.producer == HT_NONE || !graph_.sole_consumer(value)) return std::nullopt;
    const sdk::Node node = graph_.node(v.info.producer);
    const auto use = graph_.consumers(value).front();
    if (node.graph() != graph_.node(use.node).graph()) return std::nullopt;
    return node;
  }

  // Takes a Mul or Div by a constant into the scale.
  void unscale(ht_handle &value) {
    const auto node = producer_for_one(value);
    if (!node || (!node->is("Mul") && !node->is("Div"))) return;
    for (const std::size_t slot : node->is("Div") ? std::vector<std::size_t>{0} : std::vector<std::size_t>{0, 1}) {
      const auto factor = read_scalar(graph_, node->input(1 - slot), {&node->handle, 1});
      if (!factor || *factor == 0 || !std::isfinite(*factor)) continue;
      const ht_tensor_info constant = graph_.value(node->input(1 - slot)).info.type;
      if (constant.known_rank != 0 && constant.rank > 4) continue;
      place_.scale *= node->is("Div") ? 1 / *factor : *factor;
      place_.nodes.push_back(node->handle);
      value = node->input(slot);
      return;
    }
  }

  bool scaled_product(ht_handle value) {
    unscale(value);
    const auto product = producer_for_one(value);
    if (!product || !product->is("MatMul")) return false;
    place_.nodes.push_back(product->handle);
    ht_handle query = product->input(0), key = product->input(1);
    if (query == key) return false;
    unscale(query);
    unscale(key);
    place_.query.value = query;
    if (undo(key, kBoth)) {
      place_.key = {key, true};
      return true;
    }
    if (!undo(key, kTransposed)) return false;
    place_.key.value = key;
    return true;
  }

  const sdk::Graph &graph_;
  AttentionPlace &place_;
};

// The type as [batch, heads, rows, width]; rank 0 when it is no such tensor.
ht_tensor_info as_heads(const sdk::Graph &graph, const HeadTensor &tensor) {
  ht_tensor_info type = written_shape(graph, tensor.value);
  if (type.known_rank == 0 || type.rank != 4) {
    type.rank = 0;
  } else if (tensor.heads_last) {
    std::swap(type.shape[1], type.shape[2]);
  }
  return type;
}

bool mask_fits(const sdk::Graph &graph, AttentionPlace &place, const ht_tensor_info &query, const ht_tensor_info &key,
               bool dynamic) {
  const ht_tensor_info type = graph.value(place.mask).info.type;
  if (type.known_rank == 0 || type.rank != 4) return false;
  ht_tensor_info rows = query;
  rows.shape[3] = key.shape[2];
  for (const std::size_t axis : {0U, 1U}) {
    if (type.shape[axis] != 1 && !same_extent(type, rows, axis, dynamic)) return false;
  }
  place.mask_lacks_heads = type.shape[0] != 1 && type.shape[1] == 1 && place.heads > 1;
  return same_extent(type, rows, 2, dynamic) && same_extent(type, rows, 3, dynamic);
}

bool shapes_fit(const sdk::Graph &graph, AttentionPlace &place, bool dynamic) {
  const ht_tensor_info q = as_heads(graph, place.query), k = as_heads(graph, place.key),
                       v = as_heads(graph, place.values);
  if (q.rank != 4 || k.rank != 4 || v.rank != 4) return false;
  if (q.dtype != HT_F32 && q.dtype != HT_DTYPE_NONE) return false;
  place.heads = q.shape[1];
  place.width = q.shape[3];
  place.value_width = v.shape[3];
  if (place.heads < 1 || place.width < 1 || place.value_width < 1) return false;
  if (k.shape[1] != place.heads || v.shape[1] != place.heads || k.shape[3] != place.width) return false;
  if (!same_extent(q, k, 0, dynamic) || !same_extent(q, v, 0, dynamic) || !same_extent(k, v, 2, dynamic)) return false;
  return place.mask == HT_NONE || mask_fits(graph, place, q, k, dynamic);
}

}  // namespace

std::optional<AttentionPlace> find_attention(const sdk::Graph &graph, const sdk::PatternMatch &match, bool dynamic) {
  AttentionPlace place;
  place.nodes.assign(match.nodes().begin(), match.nodes().end());
  for (const ht_handle node : match.nodes()) {
    if (!graph.node(node).is("Softmax")) continue;
    const std::int64_t axis = graph.attribute_int(node, "axis", -1);
    if (axis != -1 && axis != 3) return std::nullopt;
  }
  place.values.value = match.value("v");
  Search search(graph, place);
  if (!search.scores(match.value("s"))) return std::nullopt;
  // Query and values are wanted with heads behind rows: a Transpose that the graph has already saves one.
  place.query.heads_last = search.undo(place.query.value, kSwapHeads);
  place.values.heads_last = search.undo(place.values.value, kSwapHeads);
  if (!place.key.heads_last) place.key.heads_last = search.undo(place.key.value, kSwapHeads);
  if (!shapes_fit(graph, place, dynamic)) return std::nullopt;
  return place;
}

}  // namespace halftone::passes
