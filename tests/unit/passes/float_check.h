// Runs a pass on a float model and compares what the model computes before and after, on both executors.
#pragma once

#include <string_view>

#include "tests/agree/net.h"
#include "tests/unit/passes/pass_runner.h"

namespace halftone::test {

// A net with constants of given numbers, and types inferred when it is done.
class Sketch : public Net {
 public:
  explicit Sketch(std::uint64_t seed = 1, std::int64_t opset = 17) : Net(seed) { working.model.set_opset("", opset); }

  model::Model &m() { return working.model; }
  model::Handle scalar(double value) { return tensor({}, {static_cast<float>(value)}); }
  model::Handle tensor(model::Shape shape, const std::vector<float> &values) {
    return m().add_initializer(m().main_graph(), m().unique_name(m().main_graph(), "c"),
                               model::Tensor::from_floats(std::move(shape), values));
  }
  // The model with all types that ONNX's rules give.
  model::Model done();
};

// Outputs of the reference executor for three random samples; unknown extents are 3.
std::vector<std::vector<model::Tensor>> float_outputs(host::WorkingModel &working, std::string_view executor);

// Runs the pass. The outputs of both executors afterwards equal those of the reference executor before, to `relative`
// of the largest magnitude.
void run_and_compare(PassRunner &runner, std::string_view pass, std::string_view settings = {}, double relative = 1e-5);

// How many nodes of the main graph have this type.
int count_of(const PassRunner &runner, std::string_view op_type);

}  // namespace halftone::test
