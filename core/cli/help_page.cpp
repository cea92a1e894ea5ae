#include "core/cli/help_page.h"

#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/host/service/parameter_text.h"
#include "core/pipeline/parameter_schema.h"
#include "core/pipeline/pipeline_spec.h"

namespace halftone::cli {

namespace {

// A parameter in words.
struct ParameterWords {
  std::string name, type, range, deflt, doc;
  bool required = false;
};

const char *type_name(const ht_param &param) {
  switch (param.kind) {
    case HT_VALUE_I64:
      return "integer";
    case HT_VALUE_F64:
      return "number";
    case HT_VALUE_FLAG:
      return "true or false";
    case HT_VALUE_CHOICE:
      return "choice";
    case HT_VALUE_SIZE:
      return "size";
    case HT_VALUE_MAP:
      return "map";
    default:
      return "text";
  }
}

std::string range_text(const ht_param &param) {
  if (param.kind == HT_VALUE_CHOICE) return "one of " + host::parameter_text(param.choices);
  std::string range;
  if (param.low.kind != HT_VALUE_NONE) range += "from " + host::parameter_text(param.low);
  if (param.high.kind != HT_VALUE_NONE) range += " to " + host::parameter_text(param.high);
  if (param.unit != nullptr) range += std::string(range.empty() ? "" : " ") + param.unit;
  return range;
}

// Those that a user may give.
std::vector<ParameterWords> parameters_of(const host::Component &component) {
  const ht_component &d = *component.description;
  std::vector<ParameterWords> words;
  for (std::uint64_t i = 0; i < d.param_count; ++i) {
    const ht_param &param = d.params[i];
    if (pipeline::is_filled_in(component, param.name)) continue;
    words.push_back({param.name, ((param.flags & HT_PARAM_LIST) != 0 ? "list of " : "") + std::string(type_name(param)),
                     range_text(param),
                     param.deflt.kind == HT_VALUE_NONE ? std::string() : host::parameter_text(param.deflt), param.doc,
                     (param.flags & HT_PARAM_REQUIRED) != 0});
  }
  return words;
}

struct Facts {
  const char *label;
  std::vector<std::string_view> names;
};

std::vector<Facts> facts_of(const ht_component &d) {
  const auto list = [](const char *const *names, std::uint64_t count) {
    return std::vector<std::string_view>(names, names + count);
  };
  return {{"needs", list(d.after, d.after_count)},
          {"establishes", list(d.provides, d.provide_count)},
          {"destroys", list(d.invalidates, d.invalidate_count)}};
}

std::vector<std::string> passes_of(const pipeline::PlatformDescriptor &platform) {
  std::vector<std::string> names;
  if (const Setting *passes = platform.pipeline()) {
    for (const pipeline::PassStep &step : pipeline::parse_passes(*passes)) names.push_back(step.id);
  }
  return names;
}

// What a cell of a table must not hold as it is.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c == '\n' ? ' ' : c);
  return out;
}

std::string code(std::string_view text) {
  return text.empty() ? std::string() : fmt::format("`{}`", cell(text));
}

}  // namespace

std::string help_text(const host::Component &component) {
  const ht_component &d = *component.description;
  std::string out = fmt::format("{} {}: {}\n\n", host::kind_name(d.kind), d.id, d.title);
  if (d.doc[0] != '\0') out += fmt::format("{}\n\n", d.doc);
  for (const ParameterWords &param : parameters_of(component)) {
    out += fmt::format("  {} ({}", param.name, param.type);
    if (!param.range.empty()) out += ", " + param.range;
    if (param.required) out += ", required";
    if (!param.deflt.empty()) out += ", default " + param.deflt;
    out += fmt::format(")\n      {}\n", param.doc);
  }
  for (const Facts &facts : facts_of(d)) {
    if (!facts.names.empty()) out += fmt::format("{}: {}\n", facts.label, fmt::join(facts.names, ", "));
  }
  return out + fmt::format("from: {} {} ({})\n", component.plugin->plugin->id, component.plugin->plugin->version,
                           component.plugin->file.string());
}

std::string help_page(const host::Component &component) {
  const ht_component &d = *component.description;
  std::string out = fmt::format("# {}\n\n*{} {}: {}*\n\n", d.id, host::kind_name(d.kind), d.id, d.title);
  if (d.doc[0] != '\0') out += fmt::format("{}\n\n", d.doc);
  if (const auto parameters = parameters_of(component); !parameters.empty()) {
    out += "| parameter | type | default | meaning |\n|---|---|---|---|\n";
    for (const ParameterWords &param : parameters) {
      out += fmt::format("| `{}` | {}{} | {} | {} |\n", param.name, cell(param.type),
                         param.range.empty() ? "" : ", " + cell(param.range),
                         param.required ? "required" : code(param.deflt), cell(param.doc));
    }
    out += '\n';
  }
  for (const Facts &facts : facts_of(d)) {
    if (!facts.names.empty()) out += fmt::format("- {}: `{}`\n", facts.label, fmt::join(facts.names, "`, `"));
  }
  return out + fmt::format("- plug-in: `{}` {}\n", component.plugin->plugin->id, component.plugin->plugin->version);
}

std::string help_text(const pipeline::PlatformDescriptor &platform) {
  std::string out = fmt::format("platform {}: {}\n\n", platform.id, platform.title);
  if (!platform.doc.empty()) out += fmt::format("{}\n\n", platform.doc);
  for (const pipeline::PlatformSetting &setting : platform.settings) {
    out += fmt::format("  {} (one of {}, default {})\n      {}\n", setting.name, fmt::join(setting.choices, ", "),
                       setting.deflt, setting.doc);
  }
  if (const auto passes = passes_of(platform); !passes.empty()) {
    out += fmt::format("passes: {}\n", fmt::join(passes, ", "));
  }
  return out + fmt::format("from: {}\n", platform.root.where.file);
}

std::string help_page(const pipeline::PlatformDescriptor &platform) {
  std::string out = fmt::format("# {}\n\n*platform {}: {}*\n\n", platform.id, platform.id, platform.title);
  if (!platform.doc.empty()) out += fmt::format("{}\n\n", platform.doc);
  if (!platform.settings.empty()) out += "| setting | choices | default | meaning |\n|---|---|---|---|\n";
  for (const pipeline::PlatformSetting &setting : platform.settings) {
    out += fmt::format("| `{}` | `{}` | `{}` | {} |\n", setting.name, fmt::join(setting.choices, "`, `"), setting.deflt,
                       cell(setting.doc));
  }
  if (!platform.settings.empty()) out += '\n';
  if (const auto passes = passes_of(platform); !passes.empty()) {
    out += "Passes of its pipeline:\n\n";
    for (const std::string &pass : passes) out += fmt::format("1. `{}`\n", pass);
  }
  return out;
}

}  // namespace halftone::cli
