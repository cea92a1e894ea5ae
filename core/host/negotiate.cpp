#include "core/host/negotiate.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "core/base/error.h"
#include "core/host/descriptor_text.h"
#include "core/host/roles.h"
#include "core/host/service/services.h"

namespace halftone::host {
namespace {

constexpr std::uint64_t kAllCapabilities = HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CONFIG_READ |
                                           HT_CAP_CONFIG_EDIT | HT_CAP_CALIBRATE | HT_CAP_EXECUTE | HT_CAP_FILE_WRITE |
                                           HT_CAP_FILE_READ | HT_CAP_THREADS;
// No honest plug-in comes near; a damaged count does.
constexpr std::uint64_t kMostComponents = 4096, kMostNames = 256;
constexpr std::size_t kLongTitle = 256, kLongVersion = 128, kLongText = 64 * 1024;

void check_version(const ht_plugin &plugin, const std::string &label) {
  if (plugin.struct_size < 4 * sizeof(std::uint32_t)) {
    fail(Status::kInvalidArgument, "{}: its descriptor says that it has {} bytes; the file is damaged or no plug-in",
         label, plugin.struct_size);
  }
  if (plugin.abi_major != HT_ABI_MAJOR) {
    fail(Status::kFailedPrecondition,
         "{}: built for plug-in ABI {}.{}, this host has {}.{} and the major versions differ; rebuild the plug-in with "
         "this host's SDK",
         label, plugin.abi_major, plugin.abi_minor, HT_ABI_MAJOR, HT_ABI_MINOR);
  }
  if (plugin.needs_host_minor > HT_ABI_MINOR) {
    fail(Status::kFailedPrecondition,
         "{}: needs a host with plug-in ABI {}.{} or newer, this host has {}.{}; install a newer Halftone", label,
         plugin.abi_major, plugin.needs_host_minor, HT_ABI_MAJOR, HT_ABI_MINOR);
  }
  if (plugin.struct_size < kMinimumPlugin) {
    fail(Status::kInvalidArgument,
         "{}: its descriptor has {} bytes and needs at least {}; rebuild the plug-in with this host's SDK", label,
         plugin.struct_size, kMinimumPlugin);
  }
}

void check_names(const std::string &where, std::string_view field, const char *const *names, std::uint64_t count) {
  check_array(where, field, names, count, kMostNames);
  for (std::uint64_t i = 0; i < count; ++i) check_name(where, field, names[i], "-.");
}

void check_needs(const std::string &where, const ht_component &component) {
  check_array(where, "needs", component.needs, component.need_count, kMostNames);
  const auto known = service_ids();
  for (std::uint64_t i = 0; i < component.need_count; ++i) {
    const char *need = component.needs[i];
    check_text(where, "needs", need, 128);
    if (std::find(known.begin(), known.end(), std::string_view(need)) == known.end()) {
      fail(Status::kFailedPrecondition,
           "{}: needs service '{}', which this host does not have; install a Halftone that has it", where, need);
    }
    if (find_service(need, component.capabilities) == nullptr) {
      fail(Status::kPermissionDenied,
           "{}: needs service '{}' and does not declare the capability for it; the plug-in's author must declare it",
           where, need);
    }
  }
}

void check_classes(const std::string &where, const ht_component &component) {
  if (component.determinism > HT_DETERMINISM_EXACT) {
    fail(Status::kInvalidArgument, "{}: declares determinism {}, which this host does not know", where,
         component.determinism);
  }
  if (component.threading > HT_THREADING_FREE) {
    fail(Status::kInvalidArgument, "{}: declares threading {}, which this host does not know", where,
         component.threading);
  }
  if ((component.capabilities & ~kAllCapabilities) != 0) {
    fail(Status::kInvalidArgument, "{}: declares capabilities {:#x}, which this host does not know", where,
         component.capabilities & ~kAllCapabilities);
  }
}

// The name of the component for further messages: "<label>: pass 'x'".
std::string check_identity(const ht_component *component, const std::string &label, std::uint64_t number) {
  std::string where = fmt::format("{}: component {}", label, number);
  if (component == nullptr) {
    fail(Status::kInvalidArgument, "{} is null; the plug-in's author must correct the list of components", where);
  }
  if (component->struct_size < kMinimumComponent) {
    fail(Status::kInvalidArgument,
         "{}: its description has {} bytes and needs at least {}; rebuild the plug-in with this host's SDK", where,
         component->struct_size, kMinimumComponent);
  }
  check_name(where, "id", component->id, "-.");
  const RoleSpec *spec = role_spec_of_kind(component->kind);
  if (spec == nullptr) {
    fail(Status::kFailedPrecondition, "{} '{}' is of kind {}, which this host does not know; install a newer Halftone",
         where, component->id, component->kind);
  }
  where = fmt::format("{}: {} '{}'", label, spec->kind_name, component->id);
  if (spec->minimum_size == 0) {
    fail(Status::kUnimplemented, "{}: this host cannot use components of kind {} yet; install a newer Halftone", where,
         spec->kind_name);
  }
  return where;
}

void check_component(const ht_component *component, const std::string &label, std::uint64_t number) {
  const std::string where = check_identity(component, label, number);
  check_text(where, "version", component->version, kLongVersion);
  check_text(where, "title", component->title, kLongTitle);
  check_text(where, "doc", component->doc, kLongText, true);
  check_classes(where, *component);
  check_params(where, component->params, component->param_count);
  check_needs(where, *component);
  check_names(where, "after", component->after, component->after_count);
  check_names(where, "provides", component->provides, component->provide_count);
  check_names(where, "invalidates", component->invalidates, component->invalidate_count);
  check_roles(where, *component);
  const std::pair<const char *, bool> slots[] = {{"create", component->create != nullptr},
                                                 {"destroy", component->destroy != nullptr}};
  for (const auto &[name, set] : slots) {
    if (!set) fail(Status::kInvalidArgument, "{}: slot '{}' is null; the plug-in's author must fill it", where, name);
  }
}

}  // namespace

std::string plugin_label(const ht_plugin *plugin, const std::filesystem::path &file) {
  if (!file.empty()) return fmt::format("plug-in '{}'", file.string());
  const bool has_id = plugin != nullptr && plugin->struct_size >= kMinimumPlugin && plugin->id != nullptr &&
                      plugin->abi_major == HT_ABI_MAJOR;
  return has_id ? fmt::format("plug-in '{:.128}' (registered by the program)", plugin->id)
                : "plug-in registered by the program";
}

void check_descriptor(const ht_plugin *plugin, const std::string &label) {
  if (plugin == nullptr) fail(Status::kInvalidArgument, "{}: its descriptor is null", label);
  check_version(*plugin, label);
  check_name(label, "id", plugin->id, "-._");
  check_text(label, "version", plugin->version, kLongVersion);
  check_text(label, "license", plugin->license, kLongText, true);
  check_text(label, "build", plugin->build, kLongText, true);
  check_array(label, "components", plugin->components, plugin->component_count, kMostComponents);
  std::set<std::pair<std::uint32_t, std::string_view>> seen;
  for (std::uint64_t i = 0; i < plugin->component_count; ++i) {
    const ht_component *component = plugin->components[i];
    check_component(component, label, i + 1);
    if (!seen.insert({component->kind, component->id}).second) {
      fail(Status::kAlreadyExists,
           "{}: offers two components of kind {} named '{}'; the plug-in's author must rename "
           "one",
           label, role_spec_of_kind(component->kind)->kind_name, component->id);
    }
  }
}

}  // namespace halftone::host
