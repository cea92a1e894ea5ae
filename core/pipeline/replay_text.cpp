#include "core/pipeline/replay_text.h"

#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/host/isolation/trust.h"
#include "core/pipeline/dispatch_table.h"
#include "core/pipeline/pipeline_shape.h"

namespace halftone::pipeline {
namespace {

std::string quoted(const std::string &text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string quoted_path(const std::filesystem::path &path) {
  return quoted(std::filesystem::absolute(path).lexically_normal().string());
}

// YAML in flow style, which JSON is too.
std::string flow_text(const Setting &setting) {
  if (setting.is_null()) return "null";
  if (setting.is_map()) {
    std::vector<std::string> entries;
    for (const auto &[key, value] : setting.map()) entries.push_back(quoted(key) + ": " + flow_text(value));
    return fmt::format("{{{}}}", fmt::join(entries, ", "));
  }
  if (setting.is_list()) {
    std::vector<std::string> entries;
    for (const Setting &value : setting.list()) entries.push_back(flow_text(value));
    return fmt::format("[{}]", fmt::join(entries, ", "));
  }
  if (std::holds_alternative<std::string>(setting.value)) return quoted(setting.text);
  return setting.text;
}

std::string floats_text(const std::vector<float> &values) {
  std::vector<std::string> texts;
  for (const float value : values) texts.push_back(fmt::format("{:.9g}", value));
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

std::string preprocess_text(const calibration::Preprocess &preprocess) {
  using Layout = calibration::Preprocess::Layout;
  std::vector<std::string> keys;
  const auto add = [&](const char *key, const std::string &value) {
    keys.push_back(fmt::format("{}: {}", key, value));
  };
  const auto layout = [](Layout what) { return what == Layout::kChannelsFirst ? "nchw" : "nhwc"; };
  if (preprocess.resize_short > 0) add("resize", fmt::format("{}", preprocess.resize_short));
  if (!preprocess.resize_to.empty()) add("resize", fmt::format("[{}]", fmt::join(preprocess.resize_to, ", ")));
  if (!preprocess.crop.empty()) add("center_crop", fmt::format("[{}]", fmt::join(preprocess.crop, ", ")));
  if (preprocess.reverse_channels) add("channel_order", "bgr");
  if (preprocess.gray_to_3) add("gray_to_3", "true");
  if (preprocess.scale) add("scale", fmt::format("{:.9g}", *preprocess.scale));
  if (!preprocess.mean.empty()) add("mean", floats_text(preprocess.mean));
  if (!preprocess.std.empty()) add("std", floats_text(preprocess.std));
  if (preprocess.from != Layout::kGuess) add("from", layout(preprocess.from));
  if (preprocess.to != Layout::kGuess) add("to", layout(preprocess.to));
  return fmt::format("{{{}}}", fmt::join(keys, ", "));
}

std::string input_text(const InputSpec &input, const std::string &indent) {
  std::string out = fmt::format("{}path: {}\n", indent, quoted_path(input.path));
  if (!input.reader.empty()) out += fmt::format("{}reader: {}\n", indent, quoted(input.reader));
  if (!input.reader_settings.is_null()) {
    out += fmt::format("{}reader_settings: {}\n", indent, flow_text(input.reader_settings));
  }
  if (input.has_preprocess) out += fmt::format("{}preprocess: {}\n", indent, preprocess_text(input.preprocess));
  return out;
}

std::string calibration_text(const PipelineSpec &spec) {
  const DataSpec &data = spec.calibration;
  if (data.inputs.empty() && spec.statistics_in.empty()) return {};
  std::string out = "calibration:\n";
  if (data.inputs.size() == 1 && data.inputs.front().name.empty()) {
    out += input_text(data.inputs.front(), "  ");
  } else if (!data.inputs.empty()) {
    out += "  inputs:\n";
    for (const InputSpec &input : data.inputs) {
      out += fmt::format("    {}:\n{}", quoted(input.name), input_text(input, "      "));
    }
  }
  if (!spec.statistics_in.empty()) out += fmt::format("  statistics: {}\n", quoted_path(spec.statistics_in));
  if (data.options.whole_arrays) out += "  sample_axis: none\n";
  if (data.options.sequence) {
    std::vector<std::string> pairs;
    for (const auto &[output, input] : data.options.sequence->feedback) {
      pairs.push_back(quoted(output) + ": " + quoted(input));
    }
    out +=
        fmt::format("  feedback: {{{}}}\n  sequence_axis: {}\n", fmt::join(pairs, ", "), data.options.sequence->axis);
  }
  out += fmt::format("  batch: {}\n  limit: {}\n  threads: {}\n", data.batch, data.limit, data.threads);
  if (data.memory_budget) out += fmt::format("  memory_budget: {}\n", *data.memory_budget);
  if (data.skip_bad_samples) out += "  on_bad_sample: skip\n";
  return out;
}

std::string platform_text(const PipelineSpec &spec) {
  if (spec.platform.empty()) return {};
  // A descriptor file may be named by its path.
  std::error_code none;
  const bool is_file = spec.platform.find('/') != std::string::npos && std::filesystem::exists(spec.platform, none);
  const std::string name = is_file ? quoted_path(spec.platform) : quoted(spec.platform);
  if (!spec.platform_settings.is_map()) return fmt::format("platform: {}\n", name);
  return fmt::format("platform: {{{}: {}}}\n", name, flow_text(spec.platform_settings));
}

// Of every component that the user spoke of, as a reader may be what fails.
std::string trust_text(const PipelineSpec &spec, const host::Component &pass) {
  static constexpr const char *kLevels[] = {"trusted", "checked", "isolated"};
  std::map<std::string, host::Trust> levels;
  for (const host::TrustRule &rule : spec.plugins.trust.rules) {
    levels[rule.name.empty() ? std::string(kEveryPlugin) : rule.name] = rule.trust;
  }
  levels[std::string(pass.id())] = host::trust_of(pass);
  std::vector<std::string> entries;
  for (const auto &[name, level] : levels) {
    entries.push_back(quoted(name) + ": " + kLevels[static_cast<std::size_t>(level)]);
  }
  return fmt::format("trust: {{{}}}\n", fmt::join(entries, ", "));
}

}  // namespace

std::string replay_text(const PipelineSpec &spec, const PlannedStep &step, const std::string &state) {
  const std::string id(step.component->id());
  std::string out = fmt::format(
      "# The run as it stood before the pass that failed, and this pass.\nhalftone: 1\nmodel: {}\nstate: {}\n",
      quoted_path(spec.model), quoted(state));
  out += platform_text(spec);
  if (!spec.fusions.is_null()) out += fmt::format("fusions: {}\n", flow_text(spec.fusions));
  out += calibration_text(spec);
  out += fmt::format("executor: {}\n", quoted(spec.executor));
  if (spec.trainer != PipelineSpec().trainer) out += fmt::format("trainer: {}\n", quoted(spec.trainer));
  if (dispatches(*step.component) && !spec.dispatch.method.empty())
    out += fmt::format("dispatch: {}\n", quoted(spec.dispatch.method));
  out += trust_text(spec, *step.component);
  out += fmt::format("plugin_timeout: {}\n",
                     std::chrono::duration_cast<std::chrono::seconds>(spec.plugins.trust.silence).count());
  const bool has_settings = step.settings.is_map() && !step.settings.map().empty();
  out += has_settings ? fmt::format("passes:\n  - {}: {}\n", quoted(id), flow_text(step.settings))
                      : fmt::format("passes:\n  - {}\n", quoted(id));
  return out;
}

}  // namespace halftone::pipeline
