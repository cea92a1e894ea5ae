// Runs one model on two executors, both loaded as plug-ins through the kernel, and compares what they hand over.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/host/context.h"
#include "core/host/session.h"
#include "core/model/model.h"

namespace halftone::test {

struct RunRequest {
  std::string executor = "onednn";
  host::Mode mode = host::Mode::kFloat;
  bool quantized_weights = false;
  std::uint32_t workers = 1;
  std::vector<model::Handle> emits = {};  // the graph's outputs where empty
  bool timed = false;
  std::optional<std::vector<model::Handle>> feeds = {};  // the graph's inputs where nothing is named
};

// Row-major copies, whatever layout they came in.
using Emitted = std::map<model::Handle, model::Tensor>;

// A session with one context for each worker.
class Runner {
 public:
  Runner(host::WorkingModel &working, const RunRequest &request);
  ~Runner();
  Emitted run(const std::vector<model::Tensor> &inputs, std::uint32_t worker = 0);
  std::vector<host::StepTime> profile();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// All values of the main graph that nodes make.
std::vector<model::Handle> made_values(const model::Model &m);

// A tensor of this shape with numbers in [-1, 1].
model::Tensor random_tensor(model::Shape shape, std::uint64_t seed);

struct Tolerance {
  double relative = 1e-4;  // to the tensor's largest magnitude
  double outliers = 0;     // fraction of elements that may be further off
};
// What differs, or nothing.
std::string difference(const model::Tensor &got, const model::Tensor &want, const Tolerance &tolerance);

// Names the first value that differs and says how; empty when both agree on all of `want`.
std::string disagreement(const model::Model &m, const Emitted &got, const Emitted &want, const Tolerance &tolerance);

}  // namespace halftone::test
