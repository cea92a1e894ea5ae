// `halftone plugins`, `passes`, `platforms` ...: what is loaded and from which file.
#include <cstdio>
#include <optional>

#include "core/cli/command.h"
#include "core/cli/console.h"
#include "core/pipeline/platform_descriptor.h"

namespace halftone::cli {

namespace po = boost::program_options;

namespace {

// The registry, or nothing when help was printed.
std::optional<host::Registry> registry_for(const char *command, const std::vector<std::string> &arguments) {
  po::options_description options("options");
  po::positional_options_description none;
  po::variables_map values;
  if (!parse_arguments(command, "[options]", options, none, arguments, values)) return std::nullopt;
  return open_registry(values);
}

std::string file_text(const host::LoadedPlugin &plugin) {
  return plugin.file.empty() ? "(registered)" : plugin.file.string();
}

int list_kind(const char *command, std::uint32_t kind, const std::vector<std::string> &arguments) {
  const auto registry = registry_for(command, arguments);
  if (!registry) return kExitOk;
  Table table({"name", "title", "plug-in"});
  for (const host::Component *component : registry->all(kind)) {
    table.add({component->description->id, component->description->title, component->plugin->file.filename().string()});
  }
  std::fputs(table.text().c_str(), stdout);
  return kExitOk;
}

}  // namespace

int command_plugins(const std::vector<std::string> &arguments) {
  const auto registry = registry_for("plugins", arguments);
  if (!registry) return kExitOk;
  Table table({"plug-in", "version", "license", "components", "file"});
  for (const auto &loaded : registry->plugins()) {
    const ht_plugin &p = *loaded->plugin;
    table.add({p.id, p.version, p.license, std::to_string(p.component_count), file_text(*loaded)});
  }
  std::fputs(table.text().c_str(), stdout);
  for (const auto &folder : registry->searched) std::printf("searched: %s\n", folder.c_str());
  return kExitOk;
}

int command_passes(const std::vector<std::string> &arguments) {
  return list_kind("passes", HT_KIND_PASS, arguments);
}
int command_observers(const std::vector<std::string> &arguments) {
  return list_kind("observers", HT_KIND_OBSERVER, arguments);
}
int command_executors(const std::vector<std::string> &arguments) {
  return list_kind("executors", HT_KIND_EXECUTOR, arguments);
}
int command_readers(const std::vector<std::string> &arguments) {
  return list_kind("readers", HT_KIND_READER, arguments);
}
int command_exporters(const std::vector<std::string> &arguments) {
  return list_kind("exporters", HT_KIND_EXPORTER, arguments);
}

int command_platforms(const std::vector<std::string> &arguments) {
  const auto registry = registry_for("platforms", arguments);
  if (!registry) return kExitOk;
  Table table({"name", "title", "file"});
  for (const auto &[id, file] : registry->descriptors) {
    table.add({id, pipeline::parse_platform_file(file).title, file.string()});
  }
  for (const host::Component *component : registry->all(HT_KIND_PLATFORM)) {
    table.add({component->description->id, component->description->title, component->plugin->file.string()});
  }
  std::fputs(table.text().c_str(), stdout);
  return kExitOk;
}

}  // namespace halftone::cli
