// `halftone analyze`: which operators the error of quantization comes from.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/cli/analysis_details.h"
#include "core/cli/analysis_report.h"
#include "core/cli/analysis_tables.h"
#include "core/cli/command.h"
#include "core/cli/console.h"
#include "core/cli/data_options.h"
#include "core/cli/platform_options.h"
#include "core/cli/run_pipeline.h"
#include "core/cli/run_setup.h"
#include "core/pipeline/analysis/analyze.h"
#include "core/pipeline/model_cost.h"
#include "core/pipeline/preset.h"
#include "core/pipeline/runner.h"

namespace halftone::cli {

namespace po = boost::program_options;

namespace {

constexpr const char *kAnalyzeUsage =
    "PIPELINE.yaml | MODEL --platform NAME --calibration PATH [--data PATH] [options]";
const std::vector<std::string> kParts = {"graphwise", "layerwise", "own", "statistics", "parameters", "causes"};
constexpr std::int64_t kSamples = 32;

po::options_description options_of_analyze() {
  po::options_description options("options");
  options.add_options()("model", po::value<std::string>()->value_name("FILE"),
                        "the float ONNX model, or a pipeline file that names model, data and passes")(
      "platform,p", po::value<std::string>()->value_name("NAME"), "target; `halftone platforms` lists them")(
      "platform-setting", po::value<std::vector<std::string>>()->composing()->value_name("KEY=VALUE"),
      "a choice that the platform offers; `halftone help platform NAME` lists them")(
      "calibration,c", po::value<std::vector<std::string>>()->composing()->value_name("[INPUT=]PATH"),
      "sample inputs; once for each model input")(
      "stats-in", po::value<std::string>()->value_name("FILE"),
      "statistics that `halftone calibrate` wrote, instead of --calibration; then --data is needed")(
      "preset", po::value<std::string>()->value_name("NAME"), "passes from a preset instead of the platform's own")(
      "observer", po::value<std::string>()->value_name("NAME"), "observer of every activation")(
      "executor", po::value<std::string>()->default_value("onednn")->value_name("NAME"), "what computes")(
      "data,d", po::value<std::vector<std::string>>()->composing()->value_name("[INPUT=]PATH"),
      "samples to analyse, instead of the calibration samples")("samples", po::value<std::string>()->value_name("N"),
                                                                "analyse at most N samples (default: 32)")(
      "method", po::value<std::string>()->default_value("snr")->value_name("snr|cosine|mse"), "the measure to show")(
      "at", po::value<std::vector<std::string>>()->composing()->value_name("VALUE"),
      "where the layerwise error is measured; may be repeated (default: the outputs)")(
      "all", "every quantized operator, not only those that compute sums of products")(
      "only", po::value<std::string>()->value_name("PARTS"),
      "of graphwise, layerwise, own, statistics, parameters and causes, with commas between")(
      "json", po::value<std::string>()->value_name("FILE"), "write all figures as JSON")("quiet,q",
                                                                                         "print errors only");
  add_plugin_options(options);
  add_data_options(options);
  return options;
}

// What the command line says of a model has no effect beside a pipeline file, but for how samples to analyse are read.
pipeline::PipelineSpec spec_of_file(const po::variables_map &values, const std::string &file) {
  std::vector<const char *> without = {"platform", "platform-setting", "calibration", "stats-in",
                                       "preset",   "observer",         "limit",       "batch",
                                       "threads",  "memory-budget"};
  if (values.count("data") == 0) {
    for (const char *name : {"preprocess", "reader", "reader-setting", "on-bad-sample"}) without.push_back(name);
  }
  for (const char *name : without) {
    if (values.count(name) != 0)
      fail(Status::kInvalidArgument, "--{} has no effect beside a pipeline file; write it in '{}'", name, file);
  }
  if (!values["executor"].defaulted())
    fail(Status::kInvalidArgument, "--executor has no effect beside a pipeline file; write it in '{}'", file);
  pipeline::PipelineSpec spec = pipeline::read_pipeline(file, {});
  spec.exports.clear();  // an analysis writes no model
  spec.configs_out.clear();
  spec.report.clear();
  spec.artefacts.clear();
  spec.evaluation = {};
  return spec;
}

pipeline::PipelineSpec spec_of_options(const po::variables_map &values, const std::string &model) {
  pipeline::PipelineSpec spec;
  spec.model = model;
  spec.platform = text_of(values, "platform");
  spec.statistics_in = text_of(values, "stats-in");
  const std::vector<std::string> calibration = texts_of(values, "calibration");
  if (calibration.empty() == spec.statistics_in.empty()) {
    fail(Status::kInvalidArgument, "{}; usage: halftone analyze {}",
         calibration.empty() ? "no samples are named: give --calibration PATH, or --stats-in FILE and --data PATH"
                             : "--stats-in takes the place of --calibration; give one of them",
         kAnalyzeUsage);
  }
  spec.calibration = data_spec(values, calibration);
  spec.observer = text_of(values, "observer");
  spec.executor = text_of(values, "executor");
  if (const std::string preset = text_of(values, "preset"); !preset.empty()) apply_preset(preset, spec);
  if (spec.platform.empty()) {
    fail(Status::kInvalidArgument,
         "no platform is named: give --platform NAME (`halftone platforms` lists them); usage: halftone analyze {}",
         kAnalyzeUsage);
  }
  set_platform_choices(texts_of(values, "platform-setting"), spec);
  return spec;
}

std::set<std::string> parts_of(const po::variables_map &values) {
  const std::string text = text_of(values, "only");
  std::set<std::string> parts;
  if (values.count("only") == 0) return {kParts.begin(), kParts.end()};
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    if (std::ranges::find(kParts, part) == kParts.end()) {
      fail(Status::kInvalidArgument, "--only has no part '{}'{}; there are: {}", part, nearest_hint(part, kParts),
           fmt::join(kParts, ", "));
    }
    parts.insert(part);
    at = end + 1;
  }
  return parts;
}

// The samples to analyse: those of --data, read as the calibration samples are unless the command line says otherwise.
pipeline::DataSpec data_of(const po::variables_map &values, const pipeline::PipelineSpec &spec) {
  const std::vector<std::string> paths = texts_of(values, "data");
  if (paths.empty()) {
    if (spec.calibration.inputs.empty())
      fail(Status::kInvalidArgument, "there are no samples to analyse; give --data PATH");
    return spec.calibration;
  }
  pipeline::DataSpec data = data_spec(values, paths);
  data.threads = spec.calibration.threads;
  data.limit = 0;  // --limit is about calibration
  for (pipeline::InputSpec &input : data.inputs) {
    const auto same = std::ranges::find(spec.calibration.inputs, input.name, &pipeline::InputSpec::name);
    if (same == spec.calibration.inputs.end()) continue;
    if (!input.has_preprocess && same->has_preprocess) {
      input.preprocess = same->preprocess;
      input.preprocess_file = same->preprocess_file;
      input.has_preprocess = true;
    }
  }
  return data;
}

// Everything that was asked for, as it is shown and as it is written.
struct Findings {
  std::string text;
  nlohmann::ordered_json figures;
};

constexpr std::size_t kCausesShown = 10, kRowsShown = 20;

pipeline::ErrorAnalysis add_error_analysis(const calibration::Dataset &dataset,
                                           const pipeline::AnalysisRequest &request,
                                           const calibration::FlowOptions &flow, Method method,
                                           const pipeline::ModelCost *cost, Progress &progress, Findings &findings) {
  progress.begin(0, 1, "errors of operators");
  const pipeline::ErrorAnalysis errors = pipeline::analyze_errors(dataset, request, flow);
  progress.end(fmt::format(": {} samples ({:.2f} s)", errors.samples, errors.seconds));
  report_skipped(errors.samples, errors.skipped, "analysed", flow.sinks);
  add_errors(errors, findings.figures);
  findings.text += error_table(errors, method, cost);
  return errors;
}

std::vector<pipeline::Variable> find_variables(const calibration::Dataset &dataset,
                                               const pipeline::AnalysisRequest &request,
                                               const calibration::FlowOptions &flow, bool is_first_look,
                                               Progress &progress, Findings &findings) {
  progress.begin(0, 1, "statistics of variables");
  pipeline::VariableAnalysis found = pipeline::analyze_variables(dataset, request, flow);
  progress.end(fmt::format(": {} of {} samples", found.variables.size(), found.samples));
  if (is_first_look) {
    report_skipped(found.samples, found.skipped, "analysed", flow.sinks);
    add_samples(found.samples, found.skipped, findings.figures);
  }
  return std::move(found.variables);
}

// `shows_details`: as tables too, not only in the file.
void add_details(const calibration::Dataset &dataset, const pipeline::AnalysisRequest &request,
                 const calibration::FlowOptions &flow, const std::set<std::string> &parts, bool shows_details,
                 const pipeline::ErrorAnalysis &errors, Progress &progress, Findings &findings) {
  const bool causes = parts.contains("causes");
  std::vector<pipeline::Variable> variables;
  std::vector<pipeline::Parameter> parameters;
  if (causes || parts.contains("statistics")) {
    variables = find_variables(dataset, request, flow, errors.samples == 0, progress, findings);
  }
  if (causes || parts.contains("parameters")) parameters = pipeline::analyze_parameters(*request.working);
  if (parts.contains("statistics")) add_variables(variables, findings.figures);
  if (parts.contains("parameters")) add_parameters(parameters, findings.figures);
  const auto show = [&](const char *part, const std::string &table) {
    if (!shows_details || !parts.contains(part)) return;
    findings.text += (findings.text.empty() ? "" : "\n") + table;
  };
  show("statistics", variables_table(variables, kRowsShown));
  show("parameters", parameters_table(parameters, kRowsShown));
  if (!causes) return;
  const auto found = pipeline::find_causes(*request.working, errors, variables, parameters);
  add_causes(found, findings.figures);
  findings.text += causes_text(found, kCausesShown);
}

pipeline::AnalysisRequest request_of(const po::variables_map &values, const pipeline::Runner &runner,
                                     const std::set<std::string> &parts) {
  pipeline::AnalysisRequest request;
  request.executor = &runner.executor();
  request.kernels = &runner.kernels();
  request.working = &runner.model();
  request.all_operators = values.count("all") != 0;
  request.values = texts_of(values, "at");
  request.memory_budget = runner.spec().calibration.memory_budget;
  request.graphwise = parts.contains("graphwise");
  request.layerwise = parts.contains("layerwise") || parts.contains("causes");  // which are ranked by it
  request.own = parts.contains("own");
  return request;
}

// Which samples are bad, where they are skipped: all parts of the analysis leave out the same. The passes know it of
// the calibration samples.
std::shared_ptr<calibration::SampleLedger> known_samples(const pipeline::Runner &runner,
                                                         const calibration::Dataset &dataset,
                                                         const calibration::FlowOptions &flow, bool calibration_data) {
  if (flow.on_bad_sample == calibration::BadSample::kFail) return nullptr;
  pipeline::CalibrationSettings settings;
  settings.threads = flow.workers;
  settings.limit = flow.limit;
  settings.memory_budget = runner.spec().calibration.memory_budget;
  settings.on_bad_sample = flow.on_bad_sample;
  settings.may_be_empty = true;  // which each part of the analysis tells in its own words
  settings.ledger =
      calibration_data && runner.ledger() ? runner.ledger() : std::make_shared<calibration::SampleLedger>();
  if (!pipeline::needs_screening(dataset, settings)) return settings.ledger;
  host::WorkingModel copy = runner.model();
  host::Context ctx;
  ctx.working = &copy;
  ctx.kernels = &runner.kernels();
  ctx.sinks = flow.sinks;
  pipeline::screen(runner.executor(), ctx, dataset, settings);
  return settings.ledger;
}

}  // namespace

int command_analyze(const std::vector<std::string> &arguments) {
  const po::options_description options = options_of_analyze();
  po::positional_options_description positional;
  positional.add("model", 1);
  po::variables_map values;
  if (!parse_arguments("analyze", kAnalyzeUsage, options, positional, arguments, values)) return kExitOk;
  const std::string model = text_of(values, "model");
  if (model.empty()) fail(Status::kInvalidArgument, "no model is named; usage: halftone analyze {}", kAnalyzeUsage);
  const Method method = parse_method(text_of(values, "method"));
  const std::set<std::string> parts = parts_of(values);
  const std::uint64_t samples = whole_number(values, "samples", kSamples, 1, std::int64_t{1} << 40);
  pipeline::PipelineSpec spec = is_pipeline_file(model) ? spec_of_file(values, model) : spec_of_options(values, model);
  spec.figures_out = text_of(values, "json");
  read_plugin_options(values, spec);
  pipeline::DataSpec data = data_of(values, spec);
  if (values.count("data") != 0) spec.evaluation = data;  // files that no output may overwrite

  const host::Registry registry = open_registry(values);
  Progress progress(values.count("quiet") != 0);
  const pipeline::RunEvents events = run_events(progress);
  pipeline::Runner runner(registry, std::move(spec), events);
  show_warnings(runner.warnings(), progress);
  const auto dataset = pipeline::open_dataset(runner.registry(), runner.original().model, data);
  runner.run_passes();
  if (runner.spec().calibration.memory_budget) return_free_memory();  // of the passes, before the analysis needs it

  const pipeline::AnalysisRequest request = request_of(values, runner, parts);
  data.limit = data.limit == 0 ? samples : std::min(samples, data.limit);
  calibration::FlowOptions flow = flow_options(data, events.sinks, dataset->count());
  const auto ledger = known_samples(runner, *dataset, flow, values.count("data") == 0);
  flow.ledger = ledger.get();
  Findings findings;
  findings.figures = {{"model", runner.spec().model.string()}, {"platform", runner.spec().platform}};
  const std::optional<pipeline::ModelCost> cost = pipeline::model_cost(runner);
  if (cost) pipeline::add_figures(*cost, findings.figures);
  pipeline::ErrorAnalysis errors;
  if (request.graphwise || request.layerwise || request.own)
    errors = add_error_analysis(*dataset, request, flow, method, cost ? &*cost : nullptr, progress, findings);
  add_details(*dataset, request, flow, parts, values.count("only") != 0, errors, progress, findings);
  runner.commit_outputs(findings.figures.dump(1) + "\n");
  if (values.count("quiet") == 0) std::fputs(findings.text.c_str(), stdout);
  return kExitOk;
}

}  // namespace halftone::cli
