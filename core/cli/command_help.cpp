// `halftone help`: commands, and components with their parameters.
#include <cstdio>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/console.h"
#include "core/host/service/parameter_text.h"
#include "core/pipeline/named.h"
#include "core/pipeline/parameter_schema.h"
#include "core/pipeline/pipeline_spec.h"
#include "core/pipeline/platform_lookup.h"

namespace halftone::cli {

namespace {

void print_commands() {
  std::puts("halftone quantizes neural networks: a float ONNX model in, a quantized one for a named target out.\n");
  std::puts("usage: halftone COMMAND [arguments]      (halftone COMMAND --help for the options)\n");
  Table table({"command", "what it does"});
  for (const Command &command : commands()) table.add({command.name, command.summary});
  std::fputs(table.text().c_str(), stdout);
}

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

void print_component(const host::Component &component) {
  const ht_component &d = *component.description;
  std::printf("%s %s: %s\n\n", std::string(host::kind_name(d.kind)).c_str(), d.id, d.title);
  if (d.doc[0] != '\0') std::printf("%s\n\n", d.doc);
  for (std::uint64_t i = 0; i < d.param_count; ++i) {
    const ht_param &param = d.params[i];
    if (pipeline::is_filled_in(component, param.name)) continue;
    std::string line =
        fmt::format("  {} ({}{}", param.name, (param.flags & HT_PARAM_LIST) != 0 ? "list of " : "", type_name(param));
    if (const std::string range = range_text(param); !range.empty()) line += ", " + range;
    if ((param.flags & HT_PARAM_REQUIRED) != 0) line += ", required";
    const std::string deflt = param.deflt.kind == HT_VALUE_NONE ? std::string() : host::parameter_text(param.deflt);
    if (!deflt.empty()) line += ", default " + deflt;
    std::printf("%s)\n      %s\n", line.c_str(), param.doc);
  }
  const auto facts = [](const char *label, const char *const *list, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i)
      std::printf("%s%s%s", i == 0 ? label : ", ", list[i], i + 1 == count ? "\n" : "");
  };
  facts("needs: ", d.after, d.after_count);
  facts("establishes: ", d.provides, d.provide_count);
  facts("destroys: ", d.invalidates, d.invalidate_count);
  std::printf("from: %s %s (%s)\n", component.plugin->plugin->id, component.plugin->plugin->version,
              component.plugin->file.c_str());
}

void print_platform(const pipeline::PlatformDescriptor &platform) {
  std::printf("platform %s: %s\n\n", platform.id.c_str(), platform.title.c_str());
  if (!platform.doc.empty()) std::printf("%s\n\n", platform.doc.c_str());
  for (const pipeline::PlatformSetting &setting : platform.settings) {
    std::printf("  %s (one of %s, default %s)\n      %s\n", setting.name.c_str(),
                fmt::format("{}", fmt::join(setting.choices, ", ")).c_str(), setting.deflt.c_str(),
                setting.doc.c_str());
  }
  if (const Setting *passes = platform.pipeline()) {
    std::string names;
    for (const pipeline::PassStep &step : pipeline::parse_passes(*passes))
      names += (names.empty() ? "" : ", ") + step.id;
    std::printf("passes: %s\n", names.c_str());
  }
  std::printf("from: %s\n", platform.root.where.file.c_str());
}

std::uint32_t kind_of(const std::string &word) {
  for (std::uint32_t kind = HT_KIND_PASS; kind <= HT_KIND_TRAINER; ++kind) {
    if (word == host::kind_name(kind)) return kind;
  }
  fail(Status::kInvalidArgument,
       "`halftone help` takes a command, or a kind and a name: pass, executor, platform, observer, exporter, reader");
}

}  // namespace

int command_help(const std::vector<std::string> &arguments) {
  namespace po = boost::program_options;
  if (arguments.empty()) {
    print_commands();
    return kExitOk;
  }
  for (const Command &command : commands()) {
    if (arguments.size() == 1 && arguments.front() == command.name) return command.run({"--help"});
  }
  po::options_description options("options");
  options.add_options()("topic", po::value<std::vector<std::string>>(), "kind and name");
  po::positional_options_description positional;
  positional.add("topic", 2);
  po::variables_map values;
  if (!parse_arguments("help", "KIND NAME", options, positional, arguments, values)) return kExitOk;
  const auto topic = values["topic"].as<std::vector<std::string>>();
  const std::uint32_t kind = kind_of(topic.front());
  if (topic.size() < 2)
    fail(Status::kInvalidArgument, "name the {}: halftone help {} NAME", topic.front(), topic.front());
  const host::Registry registry = open_registry(values);
  if (kind == HT_KIND_PLATFORM) {
    print_platform(pipeline::find_platform(registry, topic[1], {}));
  } else {
    print_component(pipeline::named_component(registry, kind, topic[1]));
  }
  return kExitOk;
}

}  // namespace halftone::cli
