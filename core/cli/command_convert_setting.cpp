// `halftone convert-setting`: a pipeline file from a setting of PPQ.
#include <cstdio>
#include <filesystem>

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/cli/command.h"
#include "core/cli/data_options.h"
#include "core/pipeline/json_setting.h"
#include "core/pipeline/named.h"
#include "core/pipeline/ppq_conversion.h"
#include "core/pipeline/run_files.h"
#include "core/pipeline/yaml_setting.h"

namespace halftone::cli {

namespace po = boost::program_options;
namespace fs = std::filesystem;

namespace {

constexpr const char *kConvertSettingUsage =
    "SETTING.json --platform NAME --model FILE --calibration PATH -o PIPELINE.yaml";

po::options_description options_of_convert() {
  po::options_description options("options");
  options.add_options()("setting", po::value<std::string>()->value_name("FILE"),
                        "what QuantizationSetting.to_json() of PPQ wrote")(
      "platform,p", po::value<std::string>()->value_name("NAME"),
      "the target, as PPQ calls it (TRT_INT8) or one of ours; a setting does not name it")(
      "exact", "a platform that decides as PPQ does, to compare results, instead of one for the device")(
      "ppq-batch", po::value<std::string>()->value_name("N"),
      "with such a platform: samples in a batch of PPQ's calibration (default: 32)")(
      "model,m", po::value<std::string>()->value_name("FILE"), "the float ONNX model")(
      "calibration,c", po::value<std::vector<std::string>>()->composing()->value_name("[INPUT=]PATH"),
      "sample inputs; once for each model input")("preprocess", po::value<std::string>()->value_name("FILE"),
                                                  "YAML or JSON file with the keys of `preprocess:`")(
      "output,o", po::value<std::string>()->value_name("FILE"), "the pipeline file; standard output unless given")(
      "strict", "a key that PPQ does not have is an error, not a warning");
  return options;
}

// As the pipeline file writes it, whose paths start from its own folder.
std::string seen_from(const std::string &path, const fs::path &folder) {
  if (path.empty() || fs::path(path).is_absolute()) return path;
  return fs::proximate(path, folder).generic_string();
}

pipeline::PipelineHead head_of(const po::variables_map &values, const std::string &setting, const fs::path &folder) {
  pipeline::PipelineHead head;
  head.title = fmt::format("From PPQ's setting {}. `halftone explain` on this file tells what it does.",
                           fs::path(setting).filename().string());
  const std::string model = text_of(values, "model");
  head.model = seen_from(model, folder);
  head.preprocess = seen_from(text_of(values, "preprocess"), folder);
  const std::string stem = model.empty() ? "model" : fs::path(model).stem().string();
  head.output = stem + ".int8.onnx";
  head.configs = stem + ".configs.json";
  for (const std::string &text : texts_of(values, "calibration")) {
    const pipeline::InputSpec input = input_spec(text);
    head.samples.push_back({input.name, seen_from(input.path, folder)});
  }
  if (head.samples.size() > 1 &&
      std::ranges::any_of(head.samples, [](const auto &samples) { return samples.input.empty(); })) {
    fail(Status::kInvalidArgument, "with several --calibration each names its model input: --calibration INPUT=PATH");
  }
  return head;
}

// Whether the passes that clean a model take the node away before nodes are dispatched.
bool is_cleaned_away(const model::Model &m, const model::Node &node) {
  if (node.op_type == "Constant" || node.op_type == "Identity") return true;
  if (node.op_type != "BatchNormalization" || node.inputs.empty()) return false;
  const model::Handle producer = m.value(node.inputs[0]).producer;
  if (producer == HT_NONE) return false;
  const std::string &layer = m.node(producer).op_type;
  return layer == "Conv" || layer == "ConvTranspose" || layer == "Gemm";
}

std::vector<std::string> node_names(const std::string &model) {
  const model::ImportResult imported = pipeline::read_model(model);
  const model::Model &m = imported.model;
  std::vector<std::string> names;
  for (const model::Handle handle : m.graph(m.main_graph()).nodes) {
    if (const model::Node &node = m.node(handle); !is_cleaned_away(m, node)) names.push_back(node.name);
  }
  return names;
}

// What the pipeline will read. How samples are read is for the pipeline to say (`reader`), so that their endings do not
// count here.
void require_inputs(const std::string &model, const pipeline::DataSpec &samples, const std::string &preprocess) {
  if (!model.empty() && !fs::exists(model)) fail(Status::kNotFound, "file '{}' does not exist; check the path", model);
  for (const pipeline::InputSpec &input : samples.inputs) {
    if (!fs::exists(input.path)) fail(Status::kNotFound, "the samples '{}' do not exist; check the path", input.path);
  }
  if (!preprocess.empty()) (void)calibration::parse_preprocess(pipeline::parse_yaml_file(preprocess));
}

// What PPQ's calling code says and a setting does not.
void tell_missing(const po::variables_map &values, std::vector<std::string> &warnings) {
  std::vector<std::string> missing;
  for (const char *name : {"platform", "model", "calibration"}) {
    if (values.count(name) == 0) missing.emplace_back(name);
  }
  if (missing.empty()) return;
  warnings.push_back(fmt::format("a setting does not name {}; name {} in the pipeline, or with --{} here",
                                 fmt::join(missing, ", "), missing.size() == 1 ? "it" : "them",
                                 fmt::join(missing, ", --")));
}

}  // namespace

int command_convert_setting(const std::vector<std::string> &arguments) {
  po::positional_options_description positional;
  positional.add("setting", 1);
  po::variables_map values;
  if (!parse_arguments("convert-setting", kConvertSettingUsage, options_of_convert(), positional, arguments, values))
    return kExitOk;
  const std::string file = text_of(values, "setting"), output = text_of(values, "output");
  const std::string platform = text_of(values, "platform"), model = text_of(values, "model");
  if (file.empty())
    fail(Status::kInvalidArgument, "which setting? usage: halftone convert-setting {}", kConvertSettingUsage);
  const bool exact = values.count("exact") != 0;
  if (exact && platform.empty())
    fail(Status::kInvalidArgument, "--exact needs --platform with a platform of PPQ, such as TRT_INT8");
  const fs::path folder = output.empty() || !fs::path(output).has_parent_path() ? "." : fs::path(output).parent_path();

  std::vector<std::string> warnings;
  const pipeline::PpqSetting setting(pipeline::parse_json(read_file(file), file), values.count("strict") != 0,
                                     warnings);
  const pipeline::PipelineHead head = head_of(values, file, folder);
  pipeline::RunFiles files;
  files.reads(file, "setting");
  files.reads(model, "model");
  pipeline::DataSpec samples;
  for (const std::string &text : texts_of(values, "calibration")) samples.inputs.push_back(input_spec(text));
  files.reads(samples);
  const std::string preprocess = text_of(values, "preprocess");
  files.reads(preprocess, "preprocessing");
  if (!output.empty()) files.writes(output);
  files.check();
  require_inputs(model, samples, preprocess);
  if (!output.empty()) pipeline::require_writable(output);

  const host::Registry registry = open_registry(values);
  pipeline::PpqTarget target;
  if (!platform.empty()) target = pipeline::ppq_target(registry, platform, exact, warnings);
  target.batch_given = values.count("ppq-batch") != 0;
  target.batch = static_cast<std::int64_t>(whole_number(values, "ppq-batch", target.batch, 1, 1 << 20));
  if (!model.empty() && !setting.rows().empty()) target.nodes = node_names(model);
  pipeline::PpqConversion conversion = pipeline::convert_ppq(setting, target, registry);
  const std::string text = pipeline::pipeline_text(conversion, target, head);
  warnings.insert(warnings.end(), conversion.warnings.begin(), conversion.warnings.end());
  tell_missing(values, warnings);
  for (const std::string &warning : warnings) std::fprintf(stderr, "halftone: warning: %s\n", warning.c_str());
  if (output.empty()) {
    std::fputs(text.c_str(), stdout);
  } else {
    write_file_atomically(output, text);
  }
  return kExitOk;
}

}  // namespace halftone::cli
