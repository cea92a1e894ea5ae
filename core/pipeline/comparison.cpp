#include "core/pipeline/comparison.h"

#include <algorithm>

#include "core/base/process_memory.h"
#include "core/pipeline/float32_form.h"
#include "core/pipeline/memory_fit.h"

namespace halftone::pipeline {

calibration::FlowOptions flow_options(const DataSpec &data, const host::RunSinks &sinks, std::uint64_t samples) {
  calibration::FlowOptions flow;
  flow.limit = data.limit;
  flow.on_bad_sample = data.skip_bad_samples ? calibration::BadSample::kSkip : calibration::BadSample::kFail;
  flow.sinks = sinks;
  flow.workers = calibration::worker_count(data.threads, data.limit == 0 ? samples : std::min(data.limit, samples));
  return flow;
}

TestData open_test(const host::Registry &registry, const Runner &runner) {
  const DataSpec &data = runner.spec().evaluation;
  TestData test;
  if (data.inputs.empty()) return test;
  test.dataset = open_dataset(registry, runner.original().model, data);
  test.labels = labels_of(registry, data, "an evaluation with `labels`", *test.dataset, runner.original().model);
  return test;
}

// Float model against the quantized one, both in this process, on the test samples.
Evaluation compare(const host::Registry &registry, const Runner &runner, TestData test, const host::RunSinks &sinks) {
  const DataSpec &data = runner.spec().evaluation;
  calibration::FlowOptions flow = flow_options(data, sinks, test.dataset->count());
  EvaluationRequest request;
  request.labels = std::move(test.labels);
  request.sequences = test.dataset->sequence().has_value();
  const auto open = [&](const host::WorkingModel &model, host::Mode mode, std::vector<model::Handle> &outputs) {
    host::WorkingModel copy = model;
    bring_to_float32(registry, runner.kernels(), copy);
    host::Context ctx;
    ctx.working = &copy;
    ctx.kernels = &runner.kernels();
    outputs = copy.model.graph(copy.model.main_graph()).outputs;
    host::SessionRequest session;
    session.mode = mode;
    session.workers = flow.workers;
    session.sequence = test.dataset->sequence();
    session.emits = outputs;
    return std::make_unique<host::Session>(runner.executor(), ctx, session);
  };
  const bool integer = runner.spec().integer_evaluation;
  const auto quantized = open(runner.model(), integer ? host::Mode::kInteger : host::Mode::kSimulated, request.outputs);
  const auto original = open(runner.original(), host::Mode::kFloat, request.reference_outputs);
  const model::Model &m = runner.original().model;
  for (const model::Handle output : m.graph(m.main_graph()).outputs)
    request.output_names.push_back(m.value(output).name);
  request.session = quantized.get();
  request.reference = original.get();
  if (const auto budget = runner.spec().calibration.memory_budget) {
    return_free_memory();
    (void)fit_evaluation(request, *test.dataset, *budget, flow);
  }
  return evaluate(*test.dataset, request, flow);
}

}  // namespace halftone::pipeline
