#include "core/pipeline/pipeline_spec.h"

#include <algorithm>
#include <charconv>

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/pipeline/pipeline_shape.h"
#include "core/pipeline/yaml_setting.h"

namespace halftone::pipeline {

namespace {

std::string relative_to(const std::filesystem::path &folder, const std::string &path) {
  if (path.empty() || std::filesystem::path(path).is_absolute()) return path;
  return (folder / path).lexically_normal().string();
}

Location where_of(const Setting &map, std::string_view key) {
  const Setting *found = map.find(key);
  return found == nullptr ? Location{} : found->where;
}

// What calibration says about the preprocessing of a model input. A source without a name feeds the only input, or all
// of them.
const InputSpec *like_of(const DataSpec &calibration, const std::string &input) {
  for (const InputSpec &spec : calibration.inputs) {
    if (spec.name == input) return &spec;
  }
  const bool one = calibration.inputs.size() == 1;
  return one && (input.empty() || calibration.inputs.front().name.empty()) ? &calibration.inputs.front() : nullptr;
}

// Preprocessing that calibration has for other inputs must not be lost without a word.
[[noreturn]] void refuse_unlike(const Setting &setting, const std::string &name, const DataSpec &calibration) {
  std::vector<std::string> names;
  for (const InputSpec &input : calibration.inputs) {
    if (input.has_preprocess) names.push_back(input.name);
  }
  fail(Status::kInvalidArgument,
       "{}: `calibration` says how samples are preprocessed for {}, but not for {}; write `preprocess` here, {{}} for "
       "none",
       (setting.key_where.file.empty() ? setting.where : setting.key_where).text(), fmt::join(names, ", "),
       name.empty() ? "samples without the name of an input" : "'" + name + "'");
}

InputSpec parse_input(const Setting &setting, const std::string &name, const std::filesystem::path &folder,
                      const DataSpec &calibration) {
  InputSpec input;
  input.name = name;
  input.path = relative_to(folder, text_at(setting, "path"));
  input.reader = text_at(setting, "reader");
  input.reader_where = where_of(setting, "reader");
  if (const Setting *settings = given(setting, "reader_settings")) input.reader_settings = *settings;
  if (const Setting *preprocess = given(setting, "preprocess")) {
    // A file of its own, or the keys in place.
    if (!preprocess->is_map()) input.preprocess_file = relative_to(folder, preprocess->text);
    input.preprocess =
        calibration::parse_preprocess(preprocess->is_map() ? *preprocess : parse_yaml_file(input.preprocess_file));
    input.has_preprocess = true;
  } else if (const InputSpec *like = like_of(calibration, name)) {
    input.preprocess = like->preprocess;
    input.has_preprocess = like->has_preprocess;
  } else if (std::ranges::any_of(calibration.inputs, &InputSpec::has_preprocess)) {
    refuse_unlike(setting, name, calibration);
  }
  return input;
}

// `inputs` says all of one path's keys for each input, so that beside it they would do nothing.
void refuse_beside_inputs(const Setting &setting) {
  for (const char *key : {"path", "reader", "reader_settings", "preprocess"}) {
    const Setting *found = given(setting, key);
    if (found == nullptr) continue;
    fail(Status::kInvalidArgument, "{}: `{}` has no effect beside `inputs`; write it below the name of an input",
         found->key_where.text(), key);
  }
}

// Of `feedback`, `sequence_axis` and `sample_axis`; what they do not say holds as in `like`.
calibration::DatasetOptions parse_dataset_options(const Setting &setting, const calibration::DatasetOptions &like) {
  calibration::DatasetOptions options = like;
  if (const Setting *axis = given(setting, "sample_axis")) options.whole_arrays = axis->text == "none";
  if (const Setting *feedback = given(setting, "feedback")) {
    options.sequence.reset();
    for (const auto &[output, input] : feedback->map()) {
      if (!options.sequence) options.sequence.emplace();
      options.sequence->feedback.push_back({output, input.text});
    }
  }
  const Setting *axis = given(setting, "sequence_axis");
  if (axis != nullptr && !options.sequence) {
    fail(Status::kInvalidArgument,
         "{}: `sequence_axis` has no effect without `feedback`, which says that samples are sequences",
         axis->key_where.text());
  }
  if (axis != nullptr) options.sequence->axis = static_cast<std::uint32_t>(integer_at(setting, "sequence_axis", 0));
  return options;
}

// Samples of any use; what `like` says about preprocessing holds where they do not say it themselves.
DataSpec parse_samples(const Setting &setting, const std::string &what, const std::filesystem::path &folder,
                       const DataSpec &like) {
  DataSpec data;
  if (const Setting *inputs = given(setting, "inputs")) {
    refuse_beside_inputs(setting);
    for (const auto &[name, child] : inputs->map()) data.inputs.push_back(parse_input(child, name, folder, like));
  } else if (given(setting, "path") == nullptr && given(setting, "statistics") != nullptr) {
    if (given(setting, "labels") != nullptr) {
      fail(Status::kInvalidArgument,
           "{}: `labels` are of samples, and only `statistics` are named; name the samples too",
           where_of(setting, "labels").text());
    }
  } else if (given(setting, "path") == nullptr) {
    fail(Status::kInvalidArgument, "{}: {} needs the key 'path'", setting.where.text(), what);
  } else {
    data.inputs.push_back(parse_input(setting, "", folder, like));
  }
  data.options = parse_dataset_options(setting, like.options);
  data.labels = relative_to(folder, text_at(setting, "labels"));
  data.limit = static_cast<std::uint64_t>(integer_at(setting, "limit", 0));
  data.threads = static_cast<std::uint32_t>(integer_at(setting, "threads", like.threads));
  data.skip_bad_samples = code_at(setting, "on_bad_sample", kBadSamples, 0) != 0;
  return data;
}

DataSpec parse_calibration(const Setting &setting, const std::filesystem::path &folder) {
  DataSpec data = parse_samples(setting, "`calibration`", folder, {});
  data.batch = static_cast<std::uint64_t>(integer_at(setting, "batch", 1));
  if (const Setting *budget = given(setting, "memory_budget")) {
    data.memory_budget = static_cast<std::uint64_t>(size_of(*budget));
    if (*data.memory_budget == 0) {
      fail(Status::kInvalidArgument, "{}: `calibration.memory_budget` must be a size such as 512MiB or 2GiB, not '{}'",
           budget->where.text(), budget->text);
    }
  }
  return data;
}

// `evaluate:`, or the calibration samples when they have labels.
DataSpec parse_evaluation(const Setting *setting, const std::filesystem::path &folder, const DataSpec &calibration) {
  if (setting == nullptr) return calibration.labels.empty() ? DataSpec{} : calibration;
  return parse_samples(*setting, "`evaluate`", folder, calibration);
}

OverrideRule parse_override(const Setting &setting) {
  const Setting &match = *given(setting, "match");
  OverrideRule rule;
  rule.op = text_at(match, "op");
  rule.node = text_at(match, "node");
  rule.set = *given(setting, "set");
  rule.where = setting.where;
  if (rule.op.empty() && rule.node.empty()) {
    fail(Status::kInvalidArgument, "{}: `match` names neither `op` nor `node`; write {{node: \"*\"}} for every node",
         setting.where.text());
  }
  return rule;
}

DispatchSpec parse_dispatch(const Setting &setting) {
  DispatchSpec out;
  out.where = setting.where;
  if (!setting.is_map()) {
    out.method = setting.text;
    return out;
  }
  out.method = text_at(setting, "method");
  if (const Setting *table = given(setting, "table")) {
    for (const Setting &row : table->list()) {
      const Setting &match = *given(row, "match");
      out.table.push_back({text_at(match, "op"), text_at(match, "node"), code_at(row, "to", kVerdicts, 0), row.where});
      if (!out.table.back().op.empty() || !out.table.back().node.empty()) continue;
      fail(Status::kInvalidArgument, "{}: `match` names neither `op` nor `node`; write {{node: \"*\"}} for every node",
           row.where.text());
    }
  }
  if (!out.given()) {
    fail(Status::kInvalidArgument, "{}: `dispatch` says nothing; it takes `method` and `table`", setting.where.text());
  }
  return out;
}

ExportStep parse_export(const Setting &setting, const std::filesystem::path &folder) {
  ExportStep step;
  step.where = setting.where;
  step.settings.where = setting.where;
  step.format = text_at(setting, "format", "onnx-qdq");
  step.path = relative_to(folder, text_at(setting, "path"));
  Setting::Map rest = setting.map();  // checked against the exporter's own schema
  std::erase_if(rest, [](const auto &entry) { return entry.first == "format" || entry.first == "path"; });
  step.settings.value = std::move(rest);
  return step;
}

host::Trust level_of(const Setting &setting) {
  return static_cast<host::Trust>(code_of(setting, kTrustLevels));
}

void parse_plugins(const Setting &root, const std::filesystem::path &folder, PluginSpec &plugins) {
  if (const Setting *trust = given(root, "trust")) {
    if (!trust->is_map()) plugins.trust.rules.push_back({"", level_of(*trust), trust->where});
    for (const auto &[name, level] : trust->is_map() ? trust->map() : Setting::Map()) {
      plugins.trust.rules.push_back({name == kEveryPlugin ? "" : name, level_of(level), level.key_where});
    }
  }
  plugins.skip_failures = code_at(root, "on_plugin_failure", kPluginFailures, 0) != 0;
  if (given(root, "plugin_timeout") != nullptr)
    plugins.trust.silence = std::chrono::seconds(integer_at(root, "plugin_timeout", 0));
  plugins.reproducer = relative_to(folder, text_at(root, "reproducer"));
}

}  // namespace

void choose_trust(const std::vector<std::string> &levels, const std::string &on_failure, const std::string &timeout,
                  PluginSpec &plugins) {
  const auto checked = [](const std::string &text, const Shape &shape, const char *option) {
    Setting setting;
    setting.value = setting.text = text;
    setting.where.file = option;
    check_shape(setting, shape, "its value");
    return setting;
  };
  for (const std::string &text : levels) {
    const std::size_t equals = text.find('=');
    const std::string name = equals == std::string::npos ? "" : text.substr(0, equals);
    const Setting level =
        checked(equals == std::string::npos ? text : text.substr(equals + 1), shape::choice(kTrustLevels), "--trust");
    plugins.trust.rules.push_back({name == kEveryPlugin ? "" : name, level_of(level), level.where});
  }
  if (!on_failure.empty()) {
    const Setting choice = checked(on_failure, shape::choice(kPluginFailures), "--on-plugin-failure");
    plugins.skip_failures = code_of(choice, kPluginFailures) != 0;
  }
  if (timeout.empty()) return;
  std::int64_t seconds = 0;
  const auto [rest, error] = std::from_chars(timeout.data(), timeout.data() + timeout.size(), seconds);
  if (error != std::errc() || *rest != '\0' || seconds < 0 || seconds > kLongestSilence) {
    fail(Status::kInvalidArgument, "--plugin-timeout must be a number of seconds from 0 to {}, not '{}'",
         kLongestSilence, timeout);
  }
  plugins.trust.silence = std::chrono::seconds(seconds);
}

void parse_platform_choice(const Setting *setting, PipelineSpec &spec) {
  if (setting == nullptr) return;
  spec.platform_where = setting->where;
  if (!setting->is_map()) {
    spec.platform = setting->text;
    return;
  }
  if (setting->map().size() != 1) {
    fail(Status::kInvalidArgument,
         "{}: `platform` is a name, or one name with its settings; indent the settings below the name",
         setting->where.text());
  }
  spec.platform = setting->map().front().first;
  spec.platform_settings = setting->map().front().second;
}

std::optional<host::Sequence> parse_feedback(const std::vector<std::string> &texts, std::uint32_t axis,
                                             const std::string &what) {
  if (texts.empty()) return std::nullopt;
  host::Sequence sequence;
  sequence.axis = axis;
  for (const std::string &text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
      fail(Status::kInvalidArgument, "{} must be OUTPUT=INPUT, such as stateN=state, not '{}'", what, text);
    }
    sequence.feedback.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  return sequence;
}

void refuse_sequences(const DataSpec &data, const std::string &what) {
  if (!data.options.sequence) return;
  fail(Status::kInvalidArgument,
       "{} takes samples one by one, and with `feedback` a sample is a sequence; leave `feedback` out and give samples "
       "of "
       "the states too",
       what);
}

void choose_dispatcher(const std::string &name, PipelineSpec &spec) {
  if (name.empty()) return;
  Setting setting;
  setting.value = name;
  setting.text = name;
  setting.where.file = "--dispatcher";
  check_shape(setting, dispatcher_shape(), "the dispatcher");
  spec.dispatch.method = name;
  spec.dispatch.where = setting.where;
}

std::vector<PassStep> parse_passes(const Setting &list) {
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
      step.id = item.text;
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

PipelineSpec parse_pipeline(const Setting &root, const std::filesystem::path &folder) {
  require_version(root, "halftone", kPipelineVersion);
  check_shape(root, pipeline_shape(), "the pipeline");
  PipelineSpec spec;
  spec.model = relative_to(folder, text_at(root, "model"));
  spec.state = relative_to(folder, text_at(root, "state"));
  parse_plugins(root, folder, spec.plugins);
  parse_platform_choice(given(root, "platform"), spec);
  const Setting *calibration = given(root, "calibration");
  if (calibration != nullptr) {
    spec.calibration = parse_calibration(*calibration, folder);
    spec.statistics_in = relative_to(folder, text_at(*calibration, "statistics"));
  }
  spec.evaluation = parse_evaluation(given(root, "evaluate"), folder, spec.calibration);
  if (given(root, "evaluate") != nullptr && !spec.calibration.labels.empty())
    spec.labels_for_passes = where_of(*calibration, "labels");
  if (const Setting *evaluation = given(root, "evaluate"))
    spec.integer_evaluation = text_at(*evaluation, "mode") == "integer";
  spec.executor = text_at(root, "executor", spec.executor);
  spec.trainer = text_at(root, "trainer", spec.trainer);
  if (const Setting *passes = given(root, "passes")) spec.passes = parse_passes(*passes);
  if (const Setting *dispatch = given(root, "dispatch")) spec.dispatch = parse_dispatch(*dispatch);
  if (const Setting *rules = given(root, "overrides")) {
    for (const Setting &rule : rules->list()) spec.overrides.push_back(parse_override(rule));
  }
  if (const Setting *fusions = given(root, "fusions")) spec.fusions = *fusions;
  if (const Setting *steps = given(root, "export")) {
    for (const Setting &step : steps->list()) spec.exports.push_back(parse_export(step, folder));
  }
  spec.configs_out = relative_to(folder, text_at(root, "configs_out"));
  spec.report = relative_to(folder, text_at(root, "report"));
  spec.artefacts = relative_to(folder, text_at(root, "artefacts"));
  spec.observer = text_at(root, "observer");
  spec.where = root.where;
  spec.executor_where = where_of(root, "executor");
  spec.trainer_where = where_of(root, "trainer");
  spec.observer_where = where_of(root, "observer");
  return spec;
}

PipelineSpec read_pipeline(const std::filesystem::path &file, const std::vector<std::string> &overrides) {
  Setting root = parse_yaml_file(file);
  for (const std::string &text : overrides) apply_override(root, text, "--set");
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  return parse_pipeline(root, folder);
}

}  // namespace halftone::pipeline
