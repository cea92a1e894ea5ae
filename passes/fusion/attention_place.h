// Scaled dot-product attention in a graph: MatMul(Softmax(scale * MatMul(q, transposed k) + mask), v).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "halftone/graph.hpp"
#include "halftone/pattern.hpp"

namespace halftone::passes {

// A tensor of [batch, heads, rows, width], or the [batch, rows, heads, width] that it was transposed from.
struct HeadTensor {
  ht_handle value = HT_NONE;
  bool heads_last = false;
};

struct AttentionPlace {
  HeadTensor query, key, values;
  ht_handle mask = HT_NONE;
  bool mask_lacks_heads = false;  // one mask for all heads, another for each sample
  double scale = 1;
  std::int64_t heads = 0, width = 0, value_width = 0;
  std::vector<ht_handle> nodes;  // what the fused operator replaces, from the end; only they read each other
};

// From an occurrence of "y = MatMul(Softmax(s), v)"; nothing when what gives `s` is no scaled product, when shapes are
// not known or not those of attention, or when something outside reads a value between. `dynamic`: see extents.h.
std::optional<AttentionPlace> find_attention(const sdk::Graph &graph, const sdk::PatternMatch &match, bool dynamic);

}  // namespace halftone::passes
