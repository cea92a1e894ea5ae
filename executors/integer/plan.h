// The quantized model as integer mode computes it: nodes in order, what each computes on, how each value is held.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "format.h"
#include "halftone/control_flow.hpp"
#include "kernel.h"
#include "requantize.h"
#include "stored_operand.h"
#include "tensor.h"

namespace halftone::integer {

inline constexpr std::size_t kNoValue = static_cast<std::size_t>(-1);

// How a node is computed.
enum class Form {
  kSums,    // exact int32 sums of products of codes: Conv, ConvTranspose, Gemm, MatMul
  kMoved,   // codes that only change place, or the largest of them
  kMean,    // exact sums of codes over a count
  kPairs,   // Add, Sub and Mul of codes, each as the float32 that it stands for
  kAdded,   // Add and Sub of rescaled codes, where the platform has a fixed-point multiplier
  kTable,   // a function of one code of 8 bits
  kFloat,   // dequantized, computed in float32, quantized
  kOther,   // shapes and indices
  kBodies,  // If, Loop and Scan: floats at the border of their bodies
};

struct InputSlot {
  std::size_t value = kNoValue;             // kNoValue: the slot is empty, or `constant` stands in for the value
  std::unique_ptr<Tensor> constant;         // as a float form reads it: quantized by the slot
  std::optional<Format> codes;              // a form on codes reads these
  std::optional<OwnedQuantizer> quantizer;  // a float form applies it
};

struct OutputSlot {
  std::size_t value = kNoValue;
  std::optional<Format> codes;              // held as codes
  std::optional<OwnedQuantizer> quantizer;  // held as floats on its grid: ranges of run time, channels, float8
};

// The operands of a sum of products, in units of the sum.
struct Products {
  std::string label;                           // "node 'conv1' (Conv)", for errors
  std::unique_ptr<StoredOperand> operands[2];  // code - zero; null where a value comes in
  std::unique_ptr<Tensor> bias;                // int32, in units of the sum; null without
  std::vector<double> units;                   // what one unit of the sum is worth: one, or one for each channel
  std::vector<double> float_bias;              // added after the multiplication, one for each channel; empty without
  std::size_t channels = 1;
  std::size_t channel_axis = 0;         // of the output
  std::optional<Requantizer> to_codes;  // without: the result is float
  std::unique_ptr<Tensor> wide_bias;    // the bias in float64, for kernels that sum there
};

// A value on its way between steps: row-major, or with the channels (axis 1) last in memory. The shape is always that
// of the model.
struct Placed {
  Tensor tensor;
  bool channels_last = false;
};
struct PlacedView {
  ht_tensor_view view{};
  bool channels_last = false;
};

// A faster way through a step than the plain one; the same numbers.
class FastStep {
 public:
  virtual ~FastStep() = default;
  // `codes`: of each input, as its slot wants them; without type where it reads none. Nullopt where
  // these shapes are left to the plain way. Gives what output 0 holds.
  virtual std::optional<Placed> run(std::span<const PlacedView> codes) const = 0;
  // Bytes that it keeps, and that it takes while it runs beside its result, for a memory budget; not less than that.
  virtual std::uint64_t kept() const { return 0; }
  virtual std::uint64_t scratch(std::span<const PlacedView> codes) const {
    std::uint64_t bytes = 0;
    for (const PlacedView &each : codes) bytes += bytes_of(each.view.dtype, count_of(each.view));
    return bytes;
  }
};

struct Flow;
struct Step {
  ht_handle node = HT_NONE;
  std::unique_ptr<Kernel> kernel;
  std::shared_ptr<const Flow> flow;  // kBodies, instead of a kernel
  Form form = Form::kFloat;
  std::vector<InputSlot> inputs;
  std::vector<OutputSlot> outputs;
  std::unique_ptr<Products> products;  // kSums
  std::unique_ptr<FastStep> fast;      // where the executor has one
  std::unique_ptr<Tensor> fill;        // of a Pad whose kernel gets the codes: that of 0
  std::vector<Tensor> tables;          // kTable: one; kMoved: of each input, whose grids are not that of the output
  bool carried = false;                // kMoved: the kernel gets the codes themselves
  std::optional<Limits> limits;        // kPairs: of the output's codes
  std::optional<Requantizer> rescale;  // kMean and kAdded: to the output's codes
  std::vector<std::pair<FixedPoint, Multiplier>> rescale_inputs;  // kAdded
  std::vector<ht_handle> fused;                                   // activations that became limits of the codes
  std::vector<std::size_t> dead_after;                            // values that no later step reads
};

struct Plan {
  std::vector<Step> steps;
  std::vector<std::size_t> inputs;   // values of the session's inputs, in their order
  std::vector<std::size_t> results;  // values that a body gives to the node around it
  std::vector<ht_handle> emitted;    // by value: its handle where it is to be handed over, HT_NONE otherwise
  std::map<std::size_t, Tensor> initializers;
  bool has_fast_steps = false;  // the executor has ways of its own
};

// An If, Loop or Scan: its bodies, each a plan of its own.
struct Flow {
  sdk::ControlFlow control;
  std::vector<Plan> bodies;
  std::vector<std::vector<std::size_t>> captured;  // by body: values around it, fed behind the body's own inputs
};

// What an executor adds to the plan: ways of its own. Null where the plain one serves.
using FastFactory = std::unique_ptr<FastStep> (*)(const sdk::Context &ctx, const sdk::Node &node, const Step &step);

struct PlanOptions {
  Multiplier multiplier = Multiplier::kFloat32;
  FastFactory fast = nullptr;
};

// Takes only the nodes that the emitted values depend on. `ctx` is used during the call only.
Plan build_plan(const sdk::Context &ctx, const ht_session_options &options, const PlanOptions &plan_options);

}  // namespace halftone::integer
