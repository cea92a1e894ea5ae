// `halftone evaluate`: a model from a file, float or exported QDQ, on samples.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/cli/command.h"
#include "core/cli/console.h"
#include "core/cli/data_options.h"
#include "core/cli/evaluation_mode.h"
#include "core/cli/figures.h"
#include "core/cli/run_setup.h"
#include "core/pipeline/compared_models.h"
#include "core/pipeline/evaluate.h"
#include "core/pipeline/evaluation_json.h"
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

constexpr const char *kEvaluateUsage = "MODEL --data PATH [--labels FILE] [--against FLOAT.onnx] [options]";

// A model from a file, ready to run.
struct Loaded {
  ModelFile file;
  host::Mode mode = host::Mode::kFloat;
  std::unique_ptr<host::Session> session;
  std::vector<model::Handle> outputs;
  const model::Model &model() const { return file.working.model; }
};

Loaded load(const std::string &path, const Engine &engine, Progress &progress) {
  Loaded loaded;
  loaded.file = read_model_file(path, engine, progress);
  return loaded;
}

// For the mode and in float32, after what changes the model for the samples.
void prepare(Loaded &loaded, const std::string &path, host::Mode mode, const Engine &engine) {
  loaded.mode = mode;
  pipeline::bring_to_float32(engine.registry(), engine.kernels(), loaded.file.working);
  pipeline::prepare_for(mode, path, loaded.file.working);
  const model::Model &m = loaded.model();
  loaded.outputs = m.graph(m.main_graph()).outputs;
}

void open(Loaded &loaded, const Engine &engine, std::uint32_t workers, const std::optional<host::Sequence> &sequence,
          Progress &progress) {
  host::Context ctx;
  ctx.working = &loaded.file.working;
  ctx.kernels = &engine.kernels();
  ctx.sinks = progress.sinks();
  host::SessionRequest request;
  request.mode = loaded.mode;
  request.workers = workers;
  request.emits = loaded.outputs;
  request.sequence = sequence;
  loaded.session = std::make_unique<host::Session>(engine.executor(), ctx, request);
}

// The models that are compared, and the request that names them. Sessions refer to it: it stays where it is.
struct Models {
  Loaded subject, reference;
  std::unique_ptr<calibration::Dataset> dataset;
  pipeline::EvaluationRequest request;
};

struct ModelPaths {
  std::string subject, against;  // against: empty for none
};

void open_reference(const ModelPaths &paths, const Engine &engine, std::uint32_t workers, Models &models,
                    Progress &progress) {
  Loaded &reference = models.reference = load(paths.against, engine, progress);
  pipeline::free_like(models.subject.model(), engine.registry(), engine.kernels(), reference.file.working);
  prepare(reference, paths.against, host::Mode::kFloat, engine);
  pipeline::require_same_interface(paths.subject, models.subject.model(), paths.against, reference.model());
  open(reference, engine, workers,
       pipeline::renamed(models.dataset->sequence(), models.subject.model(), reference.model()), progress);
  models.request.reference = reference.session.get();
  models.request.reference_outputs = reference.outputs;
}

void open_models(const ModelPaths &paths, host::Mode mode, const pipeline::DataSpec &data, const Engine &engine,
                 std::uint32_t workers, Models &models, Progress &progress) {
  Loaded &subject = models.subject = load(paths.subject, engine, progress);
  const auto open_data = [&](const model::Model &fed) { return pipeline::open_dataset(engine.registry(), fed, data); };
  std::optional<std::string> told;
  models.dataset =
      pipeline::open_for_single_samples(engine.registry(), engine.kernels(), subject.file.working, open_data, told);
  if (told) show_warnings({*told}, progress);
  prepare(subject, paths.subject, mode, engine);
  const calibration::Dataset &dataset = *models.dataset;
  open(subject, engine, workers, dataset.sequence(), progress);
  pipeline::EvaluationRequest &request = models.request;
  request.sequences = dataset.sequence().has_value();
  request.session = subject.session.get();
  request.outputs = subject.outputs;
  for (const model::Handle output : subject.outputs) request.output_names.push_back(subject.model().value(output).name);
  request.labels =
      pipeline::labels_of(engine.registry(), data, "an evaluation with --labels", dataset, subject.model());
  if (!paths.against.empty()) open_reference(paths, engine, workers, models, progress);
}

po::options_description options_of_evaluate() {
  po::options_description options("options");
  options.add_options()("model", po::value<std::string>()->value_name("FILE"), "the model, float or quantized")(
      "data,d", po::value<std::vector<std::string>>()->composing()->value_name("[INPUT=]PATH"), "samples")(
      "labels", po::value<std::string>()->value_name("FILE"), "class numbers (.npy)")(
      "against", po::value<std::string>()->value_name("FILE"), "a model whose outputs are the reference")(
      "mode", po::value<std::string>()->default_value("float")->value_name("float|simulated|integer"),
      "how a quantized model is computed: its nodes as they are, with fake quantization, or on integers")(
      "platform", po::value<std::string>()->value_name("NAME"), "whose arithmetic integer mode has")(
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

void add_figures(const pipeline::Evaluation &evaluation, host::Mode mode, const Loaded &subject,
                 const pipeline::OutputsNpy *files, Table &table, nlohmann::ordered_json &figures) {
  add_evaluation(evaluation, "model", table);
  pipeline::add_figures(evaluation, figures);
  add_integer_coverage(mode, *subject.session, subject.file.working, table, figures);
  table.add({"time", seconds_text(evaluation.seconds)});
  table.add({"peak memory", bytes_text(peak_memory())});
  figures["seconds"] = evaluation.seconds;
  figures["peak_memory_bytes"] = peak_memory();
  if (files == nullptr) return;
  for (const std::filesystem::path &file : files->files()) {
    table.add({"written", file.string()});
    figures["written"].push_back(file.string());
  }
}

}  // namespace

int command_evaluate(const std::vector<std::string> &arguments) {
  const po::options_description options = options_of_evaluate();
  po::positional_options_description positional;
  positional.add("model", 1);
  po::variables_map values;
  if (!parse_arguments("evaluate", kEvaluateUsage, options, positional, arguments, values)) return kExitOk;
  const std::string model_path = text_of(values, "model");
  if (model_path.empty() || values.count("data") == 0) {
    fail(Status::kInvalidArgument, "{}; usage: halftone evaluate {}",
         model_path.empty() ? "no model is named" : "no samples are named: give --data PATH", kEvaluateUsage);
  }
  const host::Mode mode = mode_named(text_of(values, "mode"));
  const Engine engine(values, mode);
  const host::Registry &registry = engine.registry();
  pipeline::DataSpec data = data_spec(values, texts_of(values, "data"));

  Progress progress(values.count("quiet") != 0);
  calibration::FlowOptions flow = flow_options(data, progress.sinks(), ~std::uint64_t{0});
  const std::string json = text_of(values, "json");
  if (!json.empty()) pipeline::require_writable(json);
  data.labels = text_of(values, "labels");
  pipeline::RunFiles run_files = files_of(values, data, registry);
  run_files.check();
  Models models;
  open_models({model_path, text_of(values, "against")}, mode, data, engine, flow.workers, models, progress);
  pipeline::EvaluationRequest &request = models.request;
  run_files.reads(models.subject.file.external_files, "weights of the model");
  run_files.reads(models.reference.file.external_files, "weights of the model");
  run_files.check();
  const std::unique_ptr<pipeline::OutputsNpy> files = outputs_npy(text_of(values, "outputs-npy"), run_files, request);
  if (data.memory_budget) {
    const calibration::MemoryPlan memory =
        pipeline::fit_evaluation(request, *models.dataset, *data.memory_budget, flow);
    if (values.count("quiet") == 0) progress.note("  " + memory.text());
  }
  progress.begin(0, 1, "evaluate");
  const pipeline::Evaluation evaluation = pipeline::evaluate(*models.dataset, request, flow);
  progress.end(fmt::format(": {} samples ({:.2f} s)", evaluation.samples, evaluation.seconds));
  Table table({"figure", "value"});
  nlohmann::ordered_json figures;
  add_figures(evaluation, mode, models.subject, files.get(), table, figures);
  // Everything complete before the first file appears.
  if (files) files->finish();
  const std::unique_ptr<AtomicFile> figures_file = finished_file(json, figures.dump(1) + "\n");
  if (files) files->commit();
  if (figures_file) figures_file->commit();
  if (values.count("quiet") == 0) std::fputs(table.text().c_str(), stdout);
  return kExitOk;
}

}  // namespace halftone::cli
