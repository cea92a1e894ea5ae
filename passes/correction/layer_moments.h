// Second moments of what layers multiply, gathered exactly over the calibration data.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "halftone/execution.hpp"
#include "layers.h"

namespace halftone::passes {

// The integer grid on which numbers are summed up: code = clamp(round(x / scale) + zero_point) - zero_point.
struct CodeGrid {
  double scale = 1;
  float zero_point = 0, low = 0, high = 0;  // codes before the zero point is taken off
  double largest = 0;                       // magnitude of a code
  void codes(const float *values, std::size_t count, double offset, float *out) const;
};

// 12 bits over [-magnitude, magnitude]: enough for a second moment, and products of two sum up exactly in double.
CodeGrid fine_grid(double magnitude);
// That of a live quantizer with one scale and at most 12 bits; false for others, which fine_grid() serves.
bool grid_of_config(const sdk::Configs &configs, ht_handle config, CodeGrid &grid);

struct LayerMoments {
  std::vector<double> gram;         // of each group in turn: columns x columns, lower triangle, column-major, in codes
  std::vector<double> sums;         // of each group in turn: columns
  std::vector<double> cross;        // of each group in turn: outputs x columns, column-major; empty unless asked for
  std::vector<double> target_sums;  // of each output channel of all groups, the bias taken off
  CodeGrid input, target;
  std::uint64_t positions = 0;  // columns that were summed up
  bool finite = true;           // every number that was seen; others count as 0
};

// The layers of one pass with what they need; `cross` sums outputs of the float network, less the bias, against inputs.
struct MomentsRequest {
  std::span<const Layer *const> layers;
  bool cross = false;
  std::uint64_t samples = 0;                     // 0: all
  const std::map<ht_handle, double> *magnitude;  // largest absolute value of inputs without grid, and of targets
};

// One pass over the data through the network as it is quantized now. The same bits on any number of threads.
std::vector<LayerMoments> gather_moments(const sdk::Context &ctx, const MomentsRequest &request);

// Bytes that a layer's sums take.
std::uint64_t moment_bytes(const Layer &layer, bool cross);

// In which passes over the data layers are treated: those of one depth together, or, where earlier ones need not be
// done first, all; never more in one pass than `limit` bytes of sums allow, but at least one.
std::vector<std::vector<const Layer *>> schedule(const std::vector<Layer> &layers, bool sequential, bool cross,
                                                 std::uint64_t limit);

// Throws the kernel's explanation when this run has no samples to go through.
void require_samples(const sdk::Context &ctx, const std::vector<Layer> &layers);

// Inputs of layers that have no integer grid of their own.
std::vector<ht_handle> inputs_without_grid(const sdk::Context &ctx, const std::vector<Layer> &layers);

// Largest absolute values over the data, by value, in the float network or as it is quantized now.
std::map<ht_handle, double> magnitudes(const sdk::Context &ctx, const std::vector<ht_handle> &values, bool simulated);

// Whether what the layer adds to its product is nothing, one number, or a stored vector with one for each output: then
// outputs tell the product.
bool adds_a_known_bias(const sdk::Graph &graph, const Layer &layer);

}  // namespace halftone::passes
