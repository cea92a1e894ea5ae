// `halftone evaluate`: a model from a file, float or exported QDQ, on samples.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/cli/command.h"
#include "core/cli/console.h"
#include "core/cli/data_options.h"
#include "core/cli/figures.h"
#include "core/model/onnx_io.h"
#include "core/pipeline/batch_axis.h"
#include "core/pipeline/evaluate.h"
#include "core/pipeline/float32_form.h"
#include "core/pipeline/free_batch.h"
#include "core/pipeline/memory_fit.h"
#include "core/pipeline/named.h"
#include "core/pipeline/outputs_npy.h"
#include "core/pipeline/run_files.h"
#include "core/pipeline/runner.h"

namespace halftone::cli {

namespace po = boost::program_options;

namespace {

constexpr const char *kUsage = "MODEL --data PATH [--labels FILE] [--against FLOAT.onnx] [options]";

// A model from a file, ready to run.
struct Loaded {
  host::WorkingModel working;
  std::unique_ptr<host::Session> session;
  std::vector<model::Handle> outputs;
  std::vector<std::filesystem::path> external_files;
};

Loaded load(const std::string &path, const host::Registry &registry, const host::Instance &executor,
            const host::KernelIndex &kernels, std::uint32_t workers,
            const std::function<void(host::WorkingModel &)> &before_opening) {
  Loaded loaded;
  model::ImportResult imported = pipeline::read_model(path);
  for (const std::string &warning : imported.warnings) std::fprintf(stderr, "halftone: warning: %s\n", warning.c_str());
  loaded.working.model = std::move(imported.model);
  loaded.external_files = std::move(imported.external_files);
  before_opening(loaded.working);
  pipeline::bring_to_float32(registry, kernels, loaded.working);
  const model::Model &m = loaded.working.model;
  loaded.outputs = m.graph(m.main_graph()).outputs;
  host::Context ctx;
  ctx.working = &loaded.working;
  ctx.kernels = &kernels;
  host::SessionRequest request;
  request.workers = workers;
  request.emits = loaded.outputs;
  loaded.session = std::make_unique<host::Session>(executor, ctx, request);
  return loaded;
}

// Names of the inputs that want data, or of the outputs.
std::vector<std::string> names(const model::Model &m, bool outputs) {
  const model::Graph &graph = m.graph(m.main_graph());
  std::vector<std::string> list;
  for (const model::Handle h : outputs ? graph.outputs : graph.inputs) {
    if (outputs || !m.value(h).initializer) list.push_back(m.value(h).name);
  }
  return list;
}

// Inputs and outputs are matched by position; names may differ, as different programs exported the two.
void require_same_interface(const std::string &path, const Loaded &subject, const std::string &against,
                            const Loaded &reference) {
  for (const bool outputs : {false, true}) {
    std::vector<std::string> a = names(subject.working.model, outputs), b = names(reference.working.model, outputs);
    std::vector<std::string> a_sorted = a, b_sorted = b;
    std::ranges::sort(a_sorted);
    std::ranges::sort(b_sorted);
    if (a.size() == b.size() && (a == b || a_sorted != b_sorted)) continue;
    const char *what = outputs ? "outputs" : "inputs";
    fail(Status::kFailedPrecondition,
         "'{}' has the {} {}, '{}' has {}; models that are compared need the same number in the same order", path, what,
         fmt::join(a, ", "), against, fmt::join(b, ", "));
  }
}

po::options_description options_of_evaluate() {
  po::options_description options("options");
  options.add_options()("model", po::value<std::string>()->value_name("FILE"), "the model, float or quantized")(
      "data,d", po::value<std::vector<std::string>>()->composing()->value_name("[INPUT=]PATH"), "samples")(
      "labels", po::value<std::string>()->value_name("FILE"), "class numbers (.npy)")(
      "against", po::value<std::string>()->value_name("FILE"), "a model whose outputs are the reference")(
      "executor", po::value<std::string>()->default_value("onednn")->value_name("NAME"), "executor")(
      "outputs-npy", po::value<std::string>()->value_name("DIR"), "write each output over all samples to DIR/NAME.npy")(
      "json", po::value<std::string>()->value_name("FILE"), "write the figures as JSON")("quiet,q",
                                                                                         "print errors only");
  add_data_options(options);
  return options;
}

// What the command reads and writes, as far as it is known before the models are read.
pipeline::RunFiles files_of(const po::variables_map &values, const pipeline::DataSpec &data,
                            const host::Registry &registry) {
  pipeline::RunFiles files;
  files.reads(text_of(values, "model"), "model");
  files.reads(text_of(values, "against"), "model");
  files.reads(data);
  files.reads(registry);
  files.writes(text_of(values, "json"));
  files.writes(text_of(values, "outputs-npy"));  // the folder: of samples, or the file of figures
  return files;
}

std::unique_ptr<pipeline::OutputsNpy> outputs_npy(const std::string &folder, pipeline::RunFiles &run_files,
                                                  pipeline::EvaluationRequest &request) {
  if (folder.empty()) return nullptr;
  for (const std::string &name : pipeline::npy_file_names(request.output_names))
    run_files.writes(std::filesystem::path(folder) / name);
  run_files.check();
  auto files = std::make_unique<pipeline::OutputsNpy>(folder, request.output_names);
  request.take_outputs = [&files = *files](const auto &outputs) { files.add(outputs); };
  return files;
}

}  // namespace

int command_evaluate(const std::vector<std::string> &arguments) {
  const po::options_description options = options_of_evaluate();
  po::positional_options_description positional;
  positional.add("model", 1);
  po::variables_map values;
  if (!parse_arguments("evaluate", kUsage, options, positional, arguments, values)) return kExitOk;
  const std::string model_path = text_of(values, "model");
  if (model_path.empty() || values.count("data") == 0) {
    fail(Status::kInvalidArgument, "{}; usage: halftone evaluate {}",
         model_path.empty() ? "no model is named" : "no samples are named: give --data PATH", kUsage);
  }
  const host::Registry registry = open_registry(values);
  const host::KernelIndex kernels(registry);
  host::Context ctx;
  const host::Instance executor(pipeline::named_component(registry, HT_KIND_EXECUTOR, text_of(values, "executor")),
                                nullptr, ctx);
  pipeline::DataSpec data = data_spec(values, texts_of(values, "data"));

  calibration::FlowOptions flow;
  flow.limit = data.limit;
  flow.on_bad_sample = data.skip_bad_samples ? calibration::BadSample::kSkip : calibration::BadSample::kFail;
  flow.sinks.cancelled = &install_interrupt_handler();
  Progress progress(values.count("quiet") != 0);
  flow.sinks.progress = [&](std::uint64_t done, std::uint64_t total) { progress.update(done, total); };
  flow.workers = calibration::worker_count(data.threads, ~std::uint64_t{0});
  const std::string json = text_of(values, "json");
  if (!json.empty()) pipeline::require_writable(json);
  data.labels = text_of(values, "labels");
  pipeline::RunFiles run_files = files_of(values, data, registry);
  run_files.check();
  std::unique_ptr<calibration::Dataset> dataset;
  const auto open_data = [&](host::WorkingModel &working) {
    std::optional<std::string> told;
    const auto open = [&](const model::Model &fed) { return pipeline::open_dataset(registry, fed, data); };
    dataset = pipeline::open_for_single_samples(registry, kernels, working, open, told);
    if (told) std::fprintf(stderr, "halftone: warning: %s\n", told->c_str());
  };
  const Loaded subject = load(model_path, registry, executor, kernels, flow.workers, open_data);

  pipeline::EvaluationRequest request;
  request.session = subject.session.get();
  request.outputs = subject.outputs;
  for (const model::Handle output : subject.outputs)
    request.output_names.push_back(subject.working.model.value(output).name);
  if (!data.labels.empty()) {
    request.labels = pipeline::read_labels(registry, data.labels);
    pipeline::require_labels(request.labels,
                             data.limit == 0 ? dataset->count() : std::min(data.limit, dataset->count()), data.labels,
                             subject.working.model);
  }
  Loaded reference;
  if (const std::string against = text_of(values, "against"); !against.empty()) {
    const auto like_subject = [&](host::WorkingModel &working) {
      // The samples fit the subject one by one.
      const std::optional<std::int64_t> batch = pipeline::fixed_batch(working.model);
      if (!batch) (void)pipeline::free_shapes(registry, kernels, working);
      if (batch && pipeline::fixed_batch(subject.working.model) != batch)
        (void)pipeline::free_batch(registry, kernels, working, *batch);
    };
    reference = load(against, registry, executor, kernels, flow.workers, like_subject);
    require_same_interface(model_path, subject, against, reference);
    request.reference = reference.session.get();
    request.reference_outputs = reference.outputs;
  }
  run_files.reads(subject.external_files, "weights of the model");
  run_files.reads(reference.external_files, "weights of the model");
  run_files.check();
  const std::unique_ptr<pipeline::OutputsNpy> files = outputs_npy(text_of(values, "outputs-npy"), run_files, request);
  if (data.memory_budget) {
    const calibration::MemoryPlan memory = pipeline::fit_evaluation(request, *dataset, *data.memory_budget, flow);
    if (values.count("quiet") == 0) progress.note("  " + memory.text());
  }
  progress.begin(0, 1, "evaluate");
  const pipeline::Evaluation evaluation = pipeline::evaluate(*dataset, request, flow);
  progress.end(fmt::format(": {} samples ({:.2f} s)", evaluation.samples, evaluation.seconds));
  Table table({"figure", "value"});
  nlohmann::ordered_json figures;
  add_evaluation(evaluation, "model", table, figures);
  table.add({"time", seconds_text(evaluation.seconds)});
  table.add({"peak memory", bytes_text(peak_memory())});
  figures["seconds"] = evaluation.seconds;
  figures["peak_memory_bytes"] = peak_memory();
  if (files) {
    for (const std::filesystem::path &file : files->files()) {
      table.add({"written", file.string()});
      figures["written"].push_back(file.string());
    }
  }
  // Everything complete before the first file appears.
  if (files) files->finish();
  const std::unique_ptr<AtomicFile> figures_file = finished_file(json, figures.dump(1) + "\n");
  if (files) files->commit();
  if (figures_file) figures_file->commit();
  if (values.count("quiet") == 0) std::fputs(table.text().c_str(), stdout);
  return kExitOk;
}

}  // namespace halftone::cli
