#include "core/api/run_request.h"

#include <filesystem>

#include "core/api/failure.h"
#include "core/pipeline/preset.h"
#include "core/pipeline/yaml_setting.h"

namespace halftone::api {

namespace {

constexpr const char *kSettings = "settings of the run";

Setting read_tree(const ht_run_options &options) {
  if (options.file != nullptr && options.text != nullptr)
    fail(Status::kInvalidArgument, "a pipeline is given as a file and as a text; give one of the two");
  if (options.file != nullptr) return pipeline::parse_yaml_file(options.file);
  return pipeline::parse_yaml(options.text == nullptr ? "{halftone: 1}" : options.text, "pipeline text");
}

std::filesystem::path folder_of(const ht_run_options &options) {
  if (options.folder != nullptr) return options.folder;
  const std::filesystem::path file = text_or_empty(options.file);
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

// What the program set has no place in a file.
void forget_places(Setting &setting) {
  for (Location *where : {&setting.where, &setting.key_where}) {
    if (where->file.starts_with(kSettings)) *where = {};
  }
  if (auto *map = std::get_if<Setting::Map>(&setting.value)) {
    for (auto &[key, child] : *map) forget_places(child);
  } else if (auto *list = std::get_if<Setting::List>(&setting.value)) {
    for (Setting &child : *list) forget_places(child);
  }
}

// Stands for samples that have no path, so that what is read of a file can be asked for all the same.
void name_samples(Setting &root, const std::string &key, const GivenSamples &samples) {
  const Setting *part = root.find(key);
  if (part != nullptr && part->find("inputs") != nullptr) return;
  pipeline::apply_override(root, fmt::format("{}.path='{}'", key, samples.name()), kSettings);
}

model::ImportResult import_of(ht_model &given) {
  const ModelContent content = given.copy();
  if (content.quantized()) {
    fail(Status::kFailedPrecondition, "{} is quantized already; run the pipeline on the float model", content.name());
  }
  return {content.working.model, {}, content.external_files};
}

void take_labels(const ht_run_options &options, RunRequest &request) {
  if (options.label_count == 0) return;
  require_given(options.labels, "labels");
  pipeline::PipelineSpec &spec = request.spec;
  if (spec.evaluation.inputs.empty()) spec.evaluation = spec.calibration;
  if (spec.evaluation.inputs.empty())
    fail(Status::kInvalidArgument, "the labels name classes of samples that are not there; give the samples too");
  spec.evaluation.labels.clear();
  spec.evaluation.given_labels.assign(options.labels, options.labels + options.label_count);
}

}  // namespace

RunRequest run_request(const Engine &engine, const ht_run_options &options) {
  RunRequest request;
  Setting root = read_tree(options);
  if (options.calibration != nullptr) {
    request.calibration = std::make_shared<GivenSamples>(options.calibration, "samples");
    name_samples(root, "calibration", *request.calibration);
  }
  if (options.evaluation != nullptr) {
    request.evaluation = std::make_shared<GivenSamples>(options.evaluation, "test samples");
    name_samples(root, "evaluate", *request.evaluation);
  }
  if (options.model != nullptr) {
    const std::filesystem::path file = options.model->copy().file;
    pipeline::apply_override(root, fmt::format("model='{}'", file.empty() ? "model" : "given.onnx"), kSettings);
  }
  if (options.setting_count != 0) require_given(options.settings, "settings");
  for (std::uint64_t i = 0; i < options.setting_count; ++i)
    pipeline::apply_override(root, text_or_empty(options.settings[i]), kSettings);
  forget_places(root);
  request.spec = pipeline::parse_pipeline(root, folder_of(options));
  pipeline::PipelineSpec &spec = request.spec;
  if (options.file == nullptr) spec.where = {};
  if (options.model != nullptr) {
    if (options.model->engine.get() != &engine)
      fail(Status::kInvalidArgument, "the model was loaded by another engine; load it with this one");
    request.model = import_of(*options.model);
    spec.model = options.model->copy().file;
  }
  if (options.preset != nullptr) pipeline::apply_preset(options.preset, spec);
  if (request.calibration) request.calibration->enter(spec.calibration);
  if (request.evaluation) request.evaluation->enter(spec.evaluation);
  take_labels(options, request);
  if (!spec.report.empty()) {
    fail(Status::kInvalidArgument,
         "`report` is a page that the program `halftone` writes; leave it out here, and take the figures");
  }
  return request;
}

}  // namespace halftone::api
