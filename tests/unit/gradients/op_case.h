// One operator with one set of inputs and attributes: its forward run by the plain kernel, its gradient, and what
// central differences say.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/model/model.h"
#include "halftone/op_gradient.h"
#include "halftone/op_kernel.h"

namespace halftone::test {

using Attributes = std::vector<std::pair<std::string, model::Attribute>>;

struct OpCase {
  std::string op_type, domain = {};
  std::int64_t opset = 17;
  Attributes attributes = {};
  std::vector<model::Tensor> inputs = {};  // of no type: an empty slot. float32 ones can be differentiated
  std::size_t outputs = 1;
  std::vector<std::size_t> unused_outputs = {};  // where no gradient arrives
  std::vector<std::size_t> undefined = {};       // input slots where differences mean nothing
  std::vector<std::size_t> floats = {};          // input slots that the kernel takes in float32 alone, such as scales
  // Differences are taken in float64, and are to agree within `tolerance` times the largest gradient.
  double step = 1e-3, tolerance = 2e-6;
};

// What a gradient declares, as sets of slots, and what it was seen to need.
struct SlotSets {
  std::uint64_t inputs = 0, outputs = 0;
};

// Numbers in [low, high] by a formula, the same everywhere; `salt` chooses the sequence.
model::Tensor noise(model::Shape shape, std::uint32_t salt, double low = -1, double high = 1);

// The registered gradients of this build, and domain and name of the operators that have a kernel.
std::vector<const ht_op_gradient *> all_gradients();
std::vector<std::pair<std::string, std::string>> kernel_names();

// What the plain kernel makes of the inputs.
std::vector<model::Tensor> forward(const OpCase &op);

// Runs forward and backward. `given`: gradients of the outputs, empty for those where none arrives. Gives the gradient
// of each input that can have one, empty for the others. Throws std::runtime_error with what was recorded.
std::vector<std::vector<float>> gradients(const OpCase &op, const std::vector<std::vector<float>> &given);

// Compares every gradient with central differences of sum(output * weight), and runs it again with each declared slot
// taken away: returns the slots without which it fails.
SlotSets check_gradient(const OpCase &op);

}  // namespace halftone::test
