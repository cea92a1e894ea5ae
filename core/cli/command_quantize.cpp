// `halftone quantize`: the pipeline file as a command line.
#include <cstdio>

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/data_options.h"
#include "core/cli/platform_options.h"
#include "core/cli/run_pipeline.h"
#include "core/pipeline/preset.h"

namespace halftone::cli {

namespace po = boost::program_options;

namespace {

constexpr const char *kQuantizeUsage = "MODEL --platform NAME --calibration PATH -o OUT.onnx [options]";

po::options_description options_of_quantize() {
  po::options_description options("options");
  options.add_options()("model", po::value<std::string>()->value_name("FILE"), "the float ONNX model")(
      "platform,p", po::value<std::string>()->value_name("NAME"), "target; `halftone platforms` lists them")(
      "platform-setting", po::value<std::vector<std::string>>()->composing()->value_name("KEY=VALUE"),
      "a choice that the platform offers; `halftone help platform NAME` lists them")(
      "calibration,c", po::value<std::vector<std::string>>()->composing()->value_name("[INPUT=]PATH"),
      "sample inputs; once for each model input")(
      "stats-in", po::value<std::string>()->value_name("FILE"),
      "statistics that `halftone calibrate` wrote, instead of --calibration")(
      "output,o", po::value<std::string>()->value_name("FILE"), "the quantized model")(
      "format", po::value<std::string>()->default_value("onnx-qdq")->value_name("NAME"), "exporter")(
      "preset", po::value<std::string>()->value_name("NAME"), "passes from a preset instead of the platform's own")(
      "observer", po::value<std::string>()->value_name("NAME"), "observer of every activation")(
      "dispatcher", po::value<std::string>()->value_name("NAME"),
      "which nodes may be quantized: conservative, pplnn, aggressive, pointwise, allin or perseus")(
      "executor", po::value<std::string>()->default_value("onednn")->value_name("NAME"), "executor for calibration")(
      "configs-out", po::value<std::string>()->value_name("FILE"), "write every quantization config as JSON")(
      "report", po::value<std::string>()->value_name("FILE"), "write an HTML page about the run")(
      "artefacts", po::value<std::string>()->value_name("FOLDER"), "where passes leave files about what they did")(
      "test", po::value<std::vector<std::string>>()->composing()->value_name("[INPUT=]PATH"),
      "samples on which float and quantized model are compared afterwards")(
      "labels", po::value<std::string>()->value_name("FILE"),
      "class numbers (.npy) of the --test samples, or of the calibration samples without --test");
  add_data_options(options);
  add_run_options(options);
  return options;
}

std::string required(const po::variables_map &values, const char *name, const char *remedy) {
  const std::string text = text_of(values, name);
  if (text.empty()) fail(Status::kInvalidArgument, "{}; usage: halftone quantize {}", remedy, kQuantizeUsage);
  return text;
}

}  // namespace

int command_quantize(const std::vector<std::string> &arguments) {
  const po::options_description options = options_of_quantize();
  po::positional_options_description positional;
  positional.add("model", 1);
  po::variables_map values;
  if (!parse_arguments("quantize", kQuantizeUsage, options, positional, arguments, values)) return kExitOk;
  pipeline::PipelineSpec spec;
  spec.model = required(values, "model", "no model is named");
  spec.platform = text_of(values, "platform");
  const std::vector<std::string> calibration = texts_of(values, "calibration");
  spec.statistics_in = text_of(values, "stats-in");
  if (calibration.empty() && spec.statistics_in.empty()) {
    fail(
        Status::kInvalidArgument,
        "no samples are named: give --calibration PATH, or --stats-in FILE with statistics of samples; usage: halftone "
        "quantize {}",
        kQuantizeUsage);
  }
  if (!calibration.empty() && !spec.statistics_in.empty()) {
    fail(Status::kInvalidArgument, "--stats-in takes the place of --calibration; give one of them{}",
         values.count("labels") == 0 ? "" : " (--test names the samples of --labels)");
  }
  if (!spec.statistics_in.empty() && values.count("limit") != 0)
    fail(Status::kInvalidArgument,
         "--limit is about calibration samples, and none are read with --stats-in; leave it out");
  const std::string output = required(values, "output", "no output is named: give -o OUT.onnx");
  spec.calibration = data_spec(values, calibration);
  spec.observer = text_of(values, "observer");
  pipeline::choose_dispatcher(text_of(values, "dispatcher"), spec);
  spec.executor = text_of(values, "executor");
  spec.configs_out = text_of(values, "configs-out");
  spec.report = text_of(values, "report");
  spec.artefacts = text_of(values, "artefacts");
  spec.exports.push_back({text_of(values, "format"), output, {}, {}});
  if (const std::string preset = text_of(values, "preset"); !preset.empty()) apply_preset(preset, spec);
  if (spec.platform.empty()) {
    fail(Status::kInvalidArgument,
         "no platform is named: give --platform NAME (`halftone platforms` lists them); usage: halftone quantize {}",
         kQuantizeUsage);
  }
  set_platform_choices(texts_of(values, "platform-setting"), spec);
  read_plugin_options(values, spec);

  std::vector<std::string> test = texts_of(values, "test");
  const std::string labels = text_of(values, "labels");
  if (test.empty() && !labels.empty()) test = calibration;
  if (test.empty() && !labels.empty())
    fail(Status::kInvalidArgument, "--labels names classes of samples that are not there; give --test PATH");
  spec.evaluation = data_spec(values, test);
  if (!texts_of(values, "test").empty()) spec.evaluation.limit = 0;  // --limit is about calibration
  spec.evaluation.labels = labels;
  const host::Registry registry = open_registry(values);
  return run_pipeline(registry, std::move(spec), run_options(values));
}

int command_run(const std::vector<std::string> &arguments) {
  po::options_description options("options");
  options.add_options()("pipeline", po::value<std::string>()->value_name("FILE"), "the pipeline file")(
      "set", po::value<std::vector<std::string>>()->composing()->value_name("KEY=VALUE"),
      "change an entry of the file: calibration.limit=64, passes.2.observer=kl")(
      "stats-in", po::value<std::string>()->value_name("FILE"),
      "statistics that `halftone calibrate` wrote, instead of the file's calibration data")(
      "dispatcher", po::value<std::string>()->value_name("NAME"),
      "which nodes may be quantized: conservative, pplnn, aggressive, pointwise, allin or perseus");
  add_run_options(options);
  po::positional_options_description positional;
  positional.add("pipeline", 1);
  po::variables_map values;
  if (!parse_arguments("run", "PIPELINE.yaml [--set KEY=VALUE ...]", options, positional, arguments, values))
    return kExitOk;
  const std::string file = text_of(values, "pipeline");
  if (file.empty())
    fail(Status::kInvalidArgument,
         "no pipeline file is named; usage: halftone run PIPELINE.yaml [--set KEY=VALUE ...]");
  pipeline::PipelineSpec spec = pipeline::read_pipeline(file, texts_of(values, "set"));
  if (const std::string statistics = text_of(values, "stats-in"); !statistics.empty()) spec.statistics_in = statistics;
  pipeline::choose_dispatcher(text_of(values, "dispatcher"), spec);
  read_plugin_options(values, spec);
  const RunOptions options_of_run = run_options(values);
  const bool gives_nothing = spec.exports.empty() && spec.configs_out.empty() && spec.report.empty() &&
                             spec.artefacts.empty() && spec.evaluation.inputs.empty() && spec.state.empty();
  if (gives_nothing && !options_of_run.dry_run) {
    fail(Status::kInvalidArgument, "{}: the run would write nothing; add `export`, `configs_out` or `report`",
         spec.where.text());
  }
  const host::Registry registry = open_registry(values);
  return run_pipeline(registry, std::move(spec), options_of_run);
}

}  // namespace halftone::cli
