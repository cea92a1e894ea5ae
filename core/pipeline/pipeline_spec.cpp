#include "core/pipeline/pipeline_spec.h"

#include "core/base/error.h"
#include "core/pipeline/setting_reader.h"
#include "core/pipeline/yaml_setting.h"

namespace halftone::pipeline {

namespace {

constexpr std::int64_t kFormatVersion = 1;

std::string relative_to(const std::filesystem::path &folder, const std::string &path) {
  if (path.empty() || std::filesystem::path(path).is_absolute()) return path;
  return (folder / path).lexically_normal().string();
}

Location where_of(const SettingReader &reader, std::string_view key) {
  const Setting *found = reader.find(key);
  return found == nullptr ? Location{} : found->where;
}

InputSpec parse_input(const SettingReader &reader, const std::filesystem::path &folder,
                      const calibration::Preprocess &preprocess_unless_given) {
  InputSpec input;
  input.preprocess = preprocess_unless_given;
  input.path = relative_to(folder, reader.required_text("path"));
  input.reader = reader.text("reader");
  input.reader_where = where_of(reader, "reader");
  if (const Setting *settings = reader.find("reader_settings")) input.reader_settings = *settings;
  if (const Setting *preprocess = reader.find("preprocess")) {
    // A file of its own, or the keys in place.
    input.preprocess = preprocess->is_map() ? calibration::parse_preprocess(*preprocess)
                                            : calibration::parse_preprocess(parse_yaml_file(
                                                  relative_to(folder, scalar_text(*preprocess, "`preprocess`"))));
  }
  return input;
}

// The preprocessing that a model input has for calibration.
calibration::Preprocess preprocess_of(const DataSpec &calibration, const std::string &input) {
  for (const InputSpec &spec : calibration.inputs) {
    if (spec.name == input) return spec.preprocess;
  }
  return {};
}

// Samples of any use; what `like` says about preprocessing holds where they do not say it themselves.
DataSpec parse_samples(const SettingReader &reader, const std::filesystem::path &folder, const DataSpec &like) {
  DataSpec data;
  if (const Setting *inputs = reader.find("inputs")) {
    if (!inputs->is_map()) {
      fail(Status::kInvalidArgument, "{}: `inputs` must map model inputs to their data", inputs->where.text());
    }
    for (const auto &[name, child] : inputs->map()) {
      const SettingReader one(child, "input '" + name + "'", {"reader", "reader_settings", "path", "preprocess"});
      data.inputs.push_back(parse_input(one, folder, preprocess_of(like, name)));
      data.inputs.back().name = name;
    }
  } else {
    data.inputs.push_back(parse_input(reader, folder, preprocess_of(like, "")));
  }
  data.labels = relative_to(folder, reader.text("labels"));
  data.limit = static_cast<std::uint64_t>(reader.integer("limit", 0, 0, std::int64_t{1} << 40));
  data.threads = static_cast<std::uint32_t>(reader.integer("threads", like.threads, 0, 1024));
  data.skip_bad_samples = reader.choice("on_bad_sample", "fail", {"fail", "skip"}) == "skip";
  return data;
}

DataSpec parse_calibration(const Setting &setting, const std::filesystem::path &folder) {
  const SettingReader reader(setting, "`calibration`",
                             {"reader", "reader_settings", "path", "inputs", "labels", "preprocess", "batch", "limit",
                              "threads", "memory_budget", "on_bad_sample"});
  DataSpec data = parse_samples(reader, folder, {});
  data.batch = static_cast<std::uint64_t>(reader.integer("batch", 1, 1, 1 << 20));
  data.memory_budget = reader.size("memory_budget", 0);
  return data;
}

// `evaluate:`, or the calibration samples when they have labels.
DataSpec parse_evaluation(const Setting *setting, const std::filesystem::path &folder, const DataSpec &calibration,
                          const Location &labels_where) {
  if (setting == nullptr) return calibration.labels.empty() ? DataSpec{} : calibration;
  if (!calibration.labels.empty()) {
    fail(Status::kInvalidArgument,
         "{}: `calibration.labels` are for an evaluation on the calibration samples, and `evaluate` names others; move "
         "the labels there",
         labels_where.text());
  }
  const SettingReader reader(
      *setting, "`evaluate`",
      {"reader", "reader_settings", "path", "inputs", "labels", "preprocess", "limit", "threads", "on_bad_sample"});
  return parse_samples(reader, folder, calibration);
}

OverrideRule parse_override(const Setting &setting) {
  const SettingReader reader(setting, "a rule of `overrides`", {"match", "set"});
  const SettingReader match(reader.require("match"), "`match`", {"op", "node"});
  OverrideRule rule;
  rule.op = match.text("op");
  rule.node = match.text("node");
  rule.set = reader.require("set");
  rule.where = setting.where;
  if (rule.op.empty() && rule.node.empty()) {
    fail(Status::kInvalidArgument, "{}: `match` names neither `op` nor `node`; write {{node: \"*\"}} for every node",
         setting.where.text());
  }
  return rule;
}

ExportStep parse_export(const Setting &setting, const std::filesystem::path &folder) {
  if (!setting.is_map()) {
    fail(Status::kInvalidArgument, "{}: an entry of `export` is a map with `format` and `path`", setting.where.text());
  }
  ExportStep step;
  step.where = setting.where;
  step.settings.where = setting.where;
  Setting::Map rest;
  for (const auto &[key, child] : setting.map()) {
    if (key == "format") {
      step.format = scalar_text(child, "`format`");
    } else if (key == "path") {
      step.path = relative_to(folder, scalar_text(child, "`path`"));
    } else {
      rest.emplace_back(key, child);  // checked against the exporter's own schema
    }
  }
  if (step.path.empty())
    fail(Status::kInvalidArgument, "{}: an entry of `export` needs the key 'path'", setting.where.text());
  if (step.format.empty()) step.format = "onnx-qdq";
  step.settings.value = std::move(rest);
  return step;
}

}  // namespace

std::vector<PassStep> parse_passes(const Setting &list) {
  if (!list.is_list()) fail(Status::kInvalidArgument, "{}: `passes` must be a list", list.where.text());
  std::vector<PassStep> steps;
  for (const Setting &item : list.list()) {
    PassStep step;
    step.where = item.where;
    if (item.is_map()) {
      if (item.map().size() != 1) {
        fail(
            Status::kInvalidArgument,
            "{}: an entry of `passes` is a name, or one name with its parameters; indent the parameters below the name",
            item.where.text());
      }
      step.id = item.map().front().first;
      step.settings = item.map().front().second;
      step.where = step.settings.key_where;
    } else {
      step.id = scalar_text(item, "an entry of `passes`");
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

PipelineSpec parse_pipeline(const Setting &root, const std::filesystem::path &folder) {
  const SettingReader reader(root, "the pipeline",
                             {"halftone", "model", "platform", "calibration", "evaluate", "executor", "passes",
                              "overrides", "export", "configs_out", "report", "observer"});
  const Setting &version = reader.require("halftone");
  if (const auto *number = std::get_if<std::int64_t>(&version.value); number == nullptr || *number != kFormatVersion) {
    fail(Status::kInvalidArgument, "{}: this is file format '{}'; this program reads `halftone: {}`",
         version.where.text(), version.text, kFormatVersion);
  }
  PipelineSpec spec;
  spec.model = relative_to(folder, reader.required_text("model"));
  spec.platform = reader.text("platform");
  const Setting *calibration = reader.find("calibration");
  if (calibration != nullptr) spec.calibration = parse_calibration(*calibration, folder);
  const Setting *labels = calibration == nullptr ? nullptr : calibration->find("labels");
  spec.evaluation = parse_evaluation(reader.find("evaluate"), folder, spec.calibration,
                                     labels == nullptr ? Location{} : labels->where);
  spec.executor = reader.text("executor", spec.executor);
  if (const Setting *passes = reader.find("passes"); passes != nullptr && !passes->is_null())
    spec.passes = parse_passes(*passes);
  for (const Setting *rule : reader.list("overrides")) spec.overrides.push_back(parse_override(*rule));
  for (const Setting *step : reader.list("export")) spec.exports.push_back(parse_export(*step, folder));
  spec.configs_out = relative_to(folder, reader.text("configs_out"));
  spec.report = relative_to(folder, reader.text("report"));
  spec.observer = reader.text("observer");
  spec.where = root.where;
  spec.platform_where = where_of(reader, "platform");
  spec.executor_where = where_of(reader, "executor");
  spec.observer_where = where_of(reader, "observer");
  return spec;
}

PipelineSpec read_pipeline(const std::filesystem::path &file, const std::vector<std::string> &overrides) {
  Setting root = parse_yaml_file(file);
  for (const std::string &text : overrides) apply_override(root, text, "--set");
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  return parse_pipeline(root, folder);
}

}  // namespace halftone::pipeline
