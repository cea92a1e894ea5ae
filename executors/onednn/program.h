// The model as a session keeps it: copied out of the graph service when it is opened, without shapes. Quantizers have
// become nodes of their own, so that whatever compiles it knows nothing of configs.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "halftone/executor.hpp"
#include "halftone/graph.hpp"
#include "layout.h"
#include "native.h"

namespace halftone::onednn {

inline constexpr std::size_t kAlignment = 64;

// Memory aligned for vector code.
using Bytes = std::shared_ptr<std::byte>;
Bytes make_bytes(std::size_t size);

struct Constant {
  Layout layout;
  Bytes data;
  std::optional<sdk::HeldTensor> held;  // where the data is the model's
  ht_tensor_view view() const { return layout.view(data.get()); }
  const float *floats() const { return reinterpret_cast<const float *>(data.get()); }
};
using ConstantPtr = std::shared_ptr<const Constant>;
ConstantPtr make_constant(ht_dtype dtype, Shape shape);
ConstantPtr copy_constant(const ht_tensor_view &tensor);

struct Quantizer {
  Quantizer(const ht_quantizer &source);
  Quantizer(const Quantizer &) = delete;
  Quantizer &operator=(const Quantizer &) = delete;
  bool operator==(const Quantizer &other) const;
  ht_quantizer table;  // points into the vectors
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  ht_quant_spec dynamic{};  // table.dynamic points here where the scale is taken at run time
};
using QuantizerPtr = std::shared_ptr<const Quantizer>;

class Flow;

struct NodeRecord {
  ht_handle handle = HT_NONE;
  std::string name, op_type;
  std::vector<int> inputs, outputs;  // -1 for an empty slot; behind the slots what bodies capture
  const ht_op_kernel *kernel = nullptr;
  std::shared_ptr<void> state;  // the kernel's
  std::unique_ptr<NativeOp> native;
  std::shared_ptr<const Flow> flow;  // of If, Loop and Scan, instead of a kernel
  QuantizerPtr quantizer;            // set for a fake quantization, which has neither kernel nor name

  // How errors name it.
  std::string label() const { return quantizer ? "a fake quantization" : "node '" + name + "' (" + op_type + ")"; }
};

struct ValueRecord {
  ht_handle handle = HT_NONE;
  ConstantPtr constant;
  bool emit = false;
  bool graph_output = false;
  std::vector<int> consumers;  // node indices, once per slot
};

struct Program {
  std::vector<NodeRecord> nodes;  // topological order
  std::vector<ValueRecord> values;
  std::vector<int> inputs;
};

// Reads everything that the emitted values depend on. Throws UNIMPLEMENTED for what cannot run.
Program read_program(const sdk::Context &ctx, const ht_session_options &options);

// Fills in how one node runs: native operator and kernel. Throws when there is neither.
void prepare_node(const sdk::Context &ctx, const sdk::Node &node, NodeRecord &record);

}  // namespace halftone::onednn
