// Writes QuantizeLinear and DequantizeLinear nodes with their scales and zero points into the model.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "halftone/exporter.hpp"
#include "quantization.h"

namespace halftone::exporters {

class QdqBuilder {
 public:
  QdqBuilder(const sdk::Context &ctx, const sdk::Graph &graph, const sdk::GraphEdit &edit)
      : ctx_(ctx), graph_(graph), edit_(edit), at_(graph.main()) {}

  // The graph whose nodes are looked at from now on: what is made belongs to it, so that a body holds its own pairs.
  void in_graph(ht_handle graph) { at_ = graph; }

  // A pair that reads `value`; returns what comes out of it. Asking again for the same pair gives the same value.
  ht_handle pair_before(ht_handle value, const Quantization &q);
  // A pair behind `value` that all its consumers read from now on; a graph output keeps its name on the last value.
  ht_handle pair_behind(ht_handle value, const Quantization &q);
  // A stored tensor of codes with a DequantizeLinear; `base` names both.
  ht_handle stored(std::string_view base, ht_handle value, const Quantization &q);
  // The tensor with every element on the quantizer's grid, as an initializer in float.
  ht_handle on_grid(std::string_view base, ht_handle value, const Quantization &q);

  std::int64_t needed_opset() const { return needed_opset_; }

 private:
  struct Parameters {
    Storage storage;
    ht_handle scale = HT_NONE, zero_point = HT_NONE;
  };
  // `shape` is that of the tensor, which blocks need.
  Parameters parameters(std::string_view base, const Quantization &q, bool constant,
                        std::span<const std::int64_t> shape);
  void connect(ht_handle from, ht_handle to, std::string_view base, const Quantization &q);
  void connect_dynamic(ht_handle from, ht_handle to, std::string_view base, const Quantization &q);
  ht_handle clipped(ht_handle value, std::string_view base, const Quantization &q, const Storage &storage);
  ht_handle node(const char *type, std::string_view name, std::vector<ht_handle> inputs, ht_handle output,
                 const Quantization *q);
  ht_handle float_initializer(const std::string &base, const std::vector<float> &values,
                              std::span<const std::int64_t> shape);
  std::string name_of(ht_handle value) const { return std::string(graph_.value(value).name()); }

  const sdk::Context &ctx_;
  const sdk::Graph &graph_;
  const sdk::GraphEdit &edit_;
  ht_handle at_;
  std::int64_t needed_opset_ = 13;
  struct Made {
    Quantization q;
    ht_handle result, graph;
  };
  std::unordered_multimap<ht_handle, Made> pairs_, stored_;  // by the value they read
};

}  // namespace halftone::exporters
