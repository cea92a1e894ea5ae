// Models against labels and each other, on samples in memory.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "core/api/execution.h"
#include "core/api/failure.h"
#include "core/api/given_samples.h"
#include "core/api/text.h"
#include "core/base/process_memory.h"
#include "core/pipeline/compared_models.h"
#include "core/pipeline/comparison.h"
#include "core/pipeline/evaluation_json.h"
#include "core/pipeline/free_batch.h"
#include "core/pipeline/yaml_setting.h"

namespace halftone::api {

namespace {

// One model that is run.
struct Side {
  ModelContent content;
  std::unique_ptr<host::Instance> executor;
  std::unique_ptr<host::Session> session;
  std::vector<model::Handle> outputs;
  const model::Model &model() const { return content.working.model; }
};

struct Evaluating {
  const Engine &engine;
  const host::KernelIndex kernels;
  ht_evaluate_options options;
  host::RunSinks sinks;
  calibration::FlowOptions flow;
  std::unique_ptr<calibration::Dataset> dataset;
  pipeline::EvaluationRequest request;
  Side subject, reference;
};

pipeline::DataSpec data_of(const ht_evaluate_options &options, const std::shared_ptr<GivenSamples> &samples) {
  pipeline::DataSpec data;
  if (options.preprocess != nullptr) {
    pipeline::InputSpec input;
    input.preprocess = calibration::parse_preprocess(pipeline::parse_yaml(options.preprocess, "preprocess"));
    input.has_preprocess = true;
    data.inputs.push_back(std::move(input));
  }
  data.limit = options.limit;
  data.threads = options.threads;
  data.skip_bad_samples = options.skip_bad != 0;
  if (options.label_count != 0) {
    require_given(options.labels, "labels");
    data.given_labels.assign(options.labels, options.labels + options.label_count);
  }
  samples->enter(data);
  return data;
}

void open_side(Evaluating &run, Side &side, host::Mode mode, const std::optional<host::Sequence> &sequence) {
  make_ready(run.engine.registry(), run.kernels, mode, side.content);
  side.outputs = side.model().graph(side.model().main_graph()).outputs;
  host::SessionRequest request;
  request.mode = mode;
  request.workers = run.flow.workers;
  request.emits = side.outputs;
  request.sequence = sequence;
  side.session = open_session(*side.executor, run.kernels, side.content.working, request, run.sinks);
}

void open_subject(Evaluating &run, host::Mode mode, const pipeline::DataSpec &data) {
  const host::Registry &registry = run.engine.registry();
  Side &subject = run.subject;
  const auto open = [&](const model::Model &fed) { return pipeline::open_dataset(registry, fed, data); };
  if (subject.content.quantized()) {
    run.dataset = open(subject.model());
  } else {
    std::optional<std::string> told;
    run.dataset = pipeline::open_for_single_samples(registry, run.kernels, subject.content.working, open, told);
    if (told) run.engine.log(HT_LOG_WARNING, *told);
  }
  open_side(run, subject, mode, std::nullopt);
  run.request.session = subject.session.get();
  run.request.outputs = subject.outputs;
  for (const model::Handle output : subject.outputs)
    run.request.output_names.push_back(subject.model().value(output).name);
  run.request.labels = pipeline::labels_of(registry, data, "an evaluation with labels", *run.dataset, subject.model());
}

void open_reference(Evaluating &run, ht_model &against) {
  Side &reference = run.reference;
  reference.content = against.copy();
  reference.executor =
      executor_of(run.engine.registry(), reference.content, run.options.executor, nullptr, host::Mode::kFloat);
  pipeline::free_like(run.subject.model(), run.engine.registry(), run.kernels, reference.content.working);
  // In the order of the program: made ready first, compared as it will run.
  pipeline::require_same_interface(run.subject.content.name(), run.subject.model(), reference.content.name(),
                                   reference.model());
  open_side(run, reference, host::Mode::kFloat, std::nullopt);
  run.request.reference = reference.session.get();
  run.request.reference_outputs = reference.outputs;
}

std::string evaluate(ht_model &model, const ht_evaluate_options &options) {
  const Engine &engine = *model.engine;
  const auto in_use = engine.in_use();
  const host::Mode mode = mode_of(options.mode);
  require_given(options.samples, "samples");
  const auto samples = std::make_shared<GivenSamples>(options.samples, "samples");
  const pipeline::DataSpec data = data_of(options, samples);
  Listening listening(engine, options.stop);
  listening.step("evaluate");
  Evaluating run{engine, host::KernelIndex(engine.registry()), options, listening.sinks(), {}, {}, {}, {}, {}};
  run.flow = pipeline::flow_options(data, run.sinks, samples->count().value_or(calibration::kUncounted));
  run.subject.content = model.copy();
  run.subject.executor = executor_of(engine.registry(), run.subject.content, options.executor, options.platform, mode);
  open_subject(run, mode, data);
  if (options.against != nullptr) {
    if (options.against->engine != model.engine)
      fail(Status::kInvalidArgument, "the models that are compared belong to different engines; load both with one");
    open_reference(run, *options.against);
  }
  const pipeline::Evaluation evaluation = pipeline::evaluate(*run.dataset, run.request, run.flow);
  nlohmann::ordered_json figures;
  pipeline::add_figures(evaluation, figures);
  if (mode == host::Mode::kInteger) {
    pipeline::add_figures(pipeline::integer_coverage(*run.subject.session, run.subject.content.working), figures);
  }
  figures["seconds"] = evaluation.seconds;
  figures["peak_memory_bytes"] = peak_memory();
  return figures.dump(1) + "\n";
}

}  // namespace

}  // namespace halftone::api

using namespace halftone;

ht_status HT_CALL ht_evaluate(ht_model *model, const ht_evaluate_options *options, ht_text **figures) {
  return api::guarded([&] {
    api::require_given(model, "model");
    api::require_given(options, "options");
    api::give_text(api::evaluate(*model, api::options_of(options)), figures);
  });
}
