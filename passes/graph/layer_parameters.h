// Weights and biases of layers as doubles: read once, changed in double precision, rounded once when they are stored.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "halftone/graph.hpp"

namespace halftone::passes {

struct Parameter {
  ht_dtype dtype = HT_F32;  // HT_F32 or HT_F64
  std::vector<std::int64_t> shape;
  std::vector<double> data;

  std::int64_t extent(std::size_t axis) const { return axis < shape.size() ? shape[axis] : 1; }
  // Elements behind `axis`: how far two neighbours on it lie apart.
  std::int64_t stride(std::size_t axis) const;
};

// Nothing when the value is no stored float32 or float64 tensor.
std::optional<Parameter> read_parameter(const sdk::Graph &graph, ht_handle value);

// Makes an input slot read this parameter. An initializer that only this slot reads is replaced; one that others read
// too stays as it is for them. `name` is for a new initializer.
void write_parameter(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node, std::uint32_t slot,
                     std::string_view name, const Parameter &parameter);
ht_handle add_parameter(const sdk::GraphEdit &edit, ht_handle graph, std::string_view name, const Parameter &parameter);

// Layers that multiply their input by a weight of slot 1 and add a bias of slot 2.
bool has_weight_and_bias(const sdk::Node &node);
// How many output channels such a layer has, from its weight.
std::int64_t output_channels(const sdk::Graph &graph, const sdk::Node &node, const Parameter &weight);

// The bias of slot 2 per output channel; zeros when there is none. Nothing when it is not constant or not per channel.
std::optional<Parameter> read_bias(const sdk::Graph &graph, const sdk::Node &node, std::int64_t channels,
                                   ht_dtype dtype_without_bias);

// By what the layer multiplies its bias: Gemm's beta. Where the layer adds nothing now, because it has no bias or beta
// is 0, the answer is 1 and `bias` becomes zeros; set_bias_factor() then makes it so.
double bias_factor(const sdk::Graph &graph, const sdk::Node &node, Parameter &bias);
void set_bias_factor(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node, double factor);

// Removes `gone`, whose only data input comes from `kept`, and lets `kept` produce the value that `gone` produced, so
// that its name stays.
void take_over_output(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle kept, ht_handle gone);

}  // namespace halftone::passes
