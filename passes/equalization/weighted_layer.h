// Layers that multiply their input by a stored weight: Conv, ConvTranspose, Gemm, MatMul, with their channels.
#pragma once

#include <span>
#include <string>

#include "stored_tensor.h"

namespace halftone::passes {

struct WeightedLayer {
  ht_handle node = HT_NONE;
  std::string name, type;
  std::uint32_t data_slot = 0, weight_slot = 1;
  StoredTensor weight;
  std::optional<StoredTensor> bias;  // of slot 2
  bool bias_is_computed = false;     // slot 2 reads a value that is not stored: outputs cannot be scaled
  std::size_t inputs = 0, outputs = 0, groups = 1;
  // Where the channels are in the values that the layer reads and makes. From the last axis for MatMul (0: the last),
  // from the first for the others.
  std::size_t input_axis = 1, output_axis = 1;
  bool axes_from_last = false;

  bool is_convolution() const { return type == "Conv" || type == "ConvTranspose"; }
  bool is_depthwise() const { return groups > 1 && groups == inputs; }
  std::size_t input_of(std::size_t element) const { return outputs_lead ? minor(element) : major(element); }
  std::size_t output_of(std::size_t element) const { return outputs_lead ? major(element) : minor(element); }

  // Largest magnitude of the weights of each channel; the bias is left out.
  std::vector<double> input_peaks() const;
  std::vector<double> output_peaks() const;
  // Largest magnitude of the bias of each output channel, times Gemm's beta; zeros without bias.
  std::vector<double> bias_peaks() const;
  // Multiplies what belongs to each channel; outputs take the bias with them.
  void scale_inputs(std::span<const double> factors);
  void scale_outputs(std::span<const double> factors);

  // Layout of the weight: elements lie on a leading and a second channel axis; one of them counts within its group.
  bool outputs_lead = true;
  std::size_t lead_stride = 1, lead_extent = 1, second_stride = 1, second_extent = 1;
  double bias_factor = 1;  // Gemm's beta

 private:
  std::size_t major(std::size_t element) const { return element / lead_stride % lead_extent; }
  std::size_t minor(std::size_t element) const {
    return major(element) / (lead_extent / groups) * second_extent + element / second_stride % second_extent;
  }
};

// Nothing for other nodes, for weights that are not stored in float32 or float64, and for shapes that do not fit.
std::optional<WeightedLayer> read_layer(const sdk::Graph &graph, ht_handle node);
// Stores weight and bias; initializers that others read are copied.
void store_layer(const sdk::Graph &graph, const sdk::GraphEdit &edit, const WeightedLayer &layer);
// Gives a layer with a bias slot one value for each output channel, adding to what is there, and takes care of beta.
// False for a layer without bias slot or with a computed bias.
bool add_to_bias(const sdk::Graph &graph, const sdk::GraphEdit &edit, WeightedLayer &layer,
                 std::span<const double> added);

}  // namespace halftone::passes
