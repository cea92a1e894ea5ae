// Runs a model on an executor through the kernel, as everything else in the tree does.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/host/context.h"
#include "core/host/session.h"
#include "core/model/model.h"
#include "halftone/op_kernel.h"

namespace halftone::test {

struct RunRequest {
  std::string executor = "reference";
  host::Mode mode = host::Mode::kFloat;
  bool quantized_weights = false;
  std::vector<model::Handle> emits;  // the graph's outputs where empty
};

using Emitted = std::vector<std::pair<model::Handle, model::Tensor>>;  // in the order in which they came

// A session of one executor. Opening throws what the executor recorded.
class ModelRunner {
 public:
  ModelRunner(host::WorkingModel &working, const RunRequest &request);
  // `inputs` in the order of the graph's inputs, initializers left out.
  Emitted run(const std::vector<model::Tensor> &inputs);

 private:
  host::Context ctx_;
  std::unique_ptr<host::Instance> executor_;
  std::unique_ptr<host::Session> session_;
};

// How a program reads a model to run it: functions are expanded, also those of operators without a kernel.
model::Model model_to_run(const std::filesystem::path &path);

// The tensor that was emitted for a value; throws when there is none.
const model::Tensor &emitted(const Emitted &all, model::Handle value);

// The operator kernels of this build.
std::vector<const ht_op_kernel *> all_kernels();

std::string read_bytes(const std::filesystem::path &file);

}  // namespace halftone::test
