#include "core/host/registry.h"

#include <algorithm>
#include <mutex>
#include <set>

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/host/negotiate.h"
#include "core/host/plugin_host.h"

namespace halftone::host {
namespace {

std::string origin_of(const Component &component) {
  return plugin_label(component.plugin->plugin, component.plugin->file);
}

// Calls init and returns what calls deinit when its last copy goes. Null when the plug-in has no init.
std::shared_ptr<const void> initialise(const ht_plugin *plugin, const std::string &label) {
  static const PluginHost host(0);
  if (plugin->init == nullptr) return nullptr;
  ht_status status = HT_OK;
  try {
    status = plugin->init(&host.table);
  } catch (const std::exception &error) {
    fail(Status::kInternal, "{}: init threw an exception ({}); ask its author for a repaired build", label,
         error.what());
  } catch (...) {
    fail(Status::kInternal, "{}: init threw an exception; ask its author for a repaired build", label);
  }
  if (status != HT_OK) {
    fail(Status::kFailedPrecondition, "{}: init failed with status {}; see the plug-in's documentation", label, status);
  }
  return {plugin, [](const void *initialised) {
            const auto *ready = static_cast<const ht_plugin *>(initialised);
            if (ready->deinit == nullptr) return;
            try {
              ready->deinit();
            } catch (...) {  // nothing is left to undo
            }
          }};
}

struct Announced {
  std::mutex mutex;
  std::vector<const ht_plugin *> plugins;
};

// Never destroyed: static constructors of other libraries may announce plug-ins, and destructors may still ask.
Announced &announced() {
  static auto *made = new Announced;
  return *made;
}

}  // namespace

const void *Component::role(std::string_view role_id) const {
  for (std::uint64_t i = 0; i < description->role_count; ++i) {
    if (role_id == description->roles[i]->id) return description->roles[i]->table;
  }
  return nullptr;
}

const LoadedPlugin &Registry::add(const ht_plugin *plugin, const std::filesystem::path &file) {
  const std::string label = plugin_label(plugin, file);
  check_descriptor(plugin, label);
  for (std::uint64_t i = 0; i < plugin->component_count; ++i) {
    const ht_component &component = *plugin->components[i];
    const Component *taken = find(component.kind, component.id);
    if (taken == nullptr) continue;
    fail(Status::kAlreadyExists, "{}: {} '{}' is already offered by {}; remove one of the two", label,
         kind_name(component.kind), component.id, origin_of(*taken));
  }
  auto loaded = std::make_unique<LoadedPlugin>();
  loaded->plugin = plugin;
  loaded->file = file;
  loaded->initialised = initialise(plugin, label);
  for (std::uint64_t i = 0; i < plugin->component_count; ++i) {
    auto component = std::make_unique<Component>();
    component->description = plugin->components[i];
    component->plugin = loaded.get();
    components_[{component->description->kind, component->description->id}] = std::move(component);
  }
  plugins_.push_back(std::move(loaded));
  return *plugins_.back();
}

const Component *Registry::find(std::uint32_t kind, std::string_view id) const {
  const auto found = components_.find({kind, std::string(id)});
  if (found != components_.end()) return found->second.get();
  return base_ == nullptr ? nullptr : base_->find(kind, id);
}

void Registry::put(Component component) {
  const std::pair key(component.description->kind, std::string(component.id()));
  components_[key] = std::make_unique<Component>(component);
}

const Component &Registry::get(std::uint32_t kind, std::string_view id) const {
  if (const Component *found = find(kind, id)) return *found;
  std::vector<std::string> names;
  for (const Component *component : all(kind)) names.emplace_back(component->id());
  std::string text = fmt::format("there is no {} named '{}'{}", kind_name(kind), id, nearest_hint(id, names));
  // There are few trainers, and no command lists them.
  if (kind == HT_KIND_TRAINER && !names.empty()) text += fmt::format("; there is {}", fmt::join(names, ", "));
  if (!searched.empty()) {
    text += "; plug-ins were looked for in ";
    for (std::size_t i = 0; i < searched.size(); ++i) text += (i == 0 ? "'" : ", '") + searched[i].string() + "'";
  }
  Error error(Status::kNotFound, text);
  // The plug-in that has it may be among those that could not be loaded.
  for (const auto &[file, reason] : refused) error.note("not loaded: " + reason);
  throw error;
}

std::vector<const Component *> Registry::all(std::uint32_t kind) const {
  std::vector<const Component *> out;
  if (base_ != nullptr) {
    for (const Component *component : base_->all(kind)) out.push_back(find(kind, component->id()));
    return out;
  }
  for (const auto &[key, component] : components_) {
    if (key.first == kind) out.push_back(component.get());  // the map is sorted by kind, then id
  }
  return out;
}

void announce_plugin(const ht_plugin *plugin) {
  check_descriptor(plugin, "plug-in registered by the program");
  Announced &all = announced();
  const std::scoped_lock lock(all.mutex);
  if (std::find(all.plugins.begin(), all.plugins.end(), plugin) != all.plugins.end())
    fail(Status::kAlreadyExists, "the plug-in '{}' is registered already", plugin->id);
  all.plugins.push_back(plugin);
}

std::vector<const ht_plugin *> registered_plugins() {
  Announced &all = announced();
  const std::scoped_lock lock(all.mutex);
  return all.plugins;
}

}  // namespace halftone::host

ht_status HT_CALL ht_register(const ht_plugin *plugin) {
  try {
    halftone::host::announce_plugin(plugin);
    return HT_OK;
  } catch (const halftone::Error &error) {
    return static_cast<ht_status>(error.status());
  } catch (...) {
    return HT_RESOURCE_EXHAUSTED;
  }
}
