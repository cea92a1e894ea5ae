// All components of this process, by kind and id, and the plug-ins that they came from.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "halftone/plugin.h"

namespace halftone::host {

struct LoadedPlugin {
  const ht_plugin *plugin = nullptr;
  std::filesystem::path file;               // empty for one that was registered from memory
  std::shared_ptr<const void> initialised;  // calls deinit when its last copy goes; null when there was no init
};

class ComponentProxy;  // isolation/component_proxy.h

struct Component {
  const ht_component *description = nullptr;
  const LoadedPlugin *plugin = nullptr;
  const ComponentProxy *proxy = nullptr;  // what stands between the host and the component, if anything does
  std::string_view id() const { return description->id; }
  const void *role(std::string_view role_id) const;  // null when it does not offer the role
};

std::string_view kind_name(std::uint32_t kind);     // "pass", "executor" ...
std::string_view role_of_kind(std::uint32_t kind);  // "ht.pass/1" ...

class Registry {
 public:
  Registry() = default;
  // All that `base` has, which outlives this one, with components that put() exchanges.
  explicit Registry(const Registry *base)
      : searched(base->searched), refused(base->refused), descriptors(base->descriptors), base_(base) {}
  // Takes the place of the component of its kind and id.
  void put(Component component);
  // Checks the descriptor (negotiate.h) and adds its components; calls init. Throws naming the file, the component and
  // the remedy: wrong major, needs a newer host, bad descriptor, duplicate id (naming both files), missing service.
  const LoadedPlugin &add(const ht_plugin *plugin, const std::filesystem::path &file);
  const Component *find(std::uint32_t kind, std::string_view id) const;
  // Throws NotFound with the nearest name and where plug-ins were looked for.
  const Component &get(std::uint32_t kind, std::string_view id) const;
  std::vector<const Component *> all(std::uint32_t kind) const;  // sorted by id
  const std::vector<std::unique_ptr<LoadedPlugin>> &plugins() const noexcept {
    return base_ == nullptr ? plugins_ : base_->plugins();
  }
  std::vector<std::filesystem::path> searched;  // folders, for messages
  // Files that were found and not loaded, each with its reason.
  std::vector<std::pair<std::filesystem::path, std::string>> refused;
  // Platform descriptors without code: NAME.platform.yaml files on the search path, by id = NAME.
  std::map<std::string, std::filesystem::path, std::less<>> descriptors;

 private:
  const Registry *base_ = nullptr;
  std::vector<std::unique_ptr<LoadedPlugin>> plugins_;
  std::map<std::pair<std::uint32_t, std::string>, std::unique_ptr<Component>> components_;
};

struct SearchOptions {
  std::vector<std::filesystem::path> plugin_paths;  // --plugin-path: folders or single files; errors there are fatal
  bool use_environment = true;                      // HALFTONE_PLUGIN_PATH, ~/.local/share/halftone/plugins
  bool probe = true;                                // try foreign plug-ins in a child process first
};

// Loads everything that the search finds: the command line's folders, HALFTONE_PLUGIN_PATH, the user's folder, the
// folder beside libhalftone. First-party plug-ins (beside libhalftone, same build) are not probed.
Registry load_plugins(const SearchOptions &options);

// What ht_register() does. Throws for a descriptor that is no good, and AlreadyExists.
void announce_plugin(const ht_plugin *plugin);
// Plug-ins announced with ht_register(), which every Registry made by load_plugins() contains too.
std::vector<const ht_plugin *> registered_plugins();

}  // namespace halftone::host
