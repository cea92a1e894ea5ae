// Whether this host and a plug-in fit together, decided from the plug-in's descriptor before any of its functions runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "halftone/plugin.h"

namespace halftone::host {

// "plug-in '/a/b.so'", or "plug-in 'id' (registered by the program)" when there is no file.
std::string plugin_label(const ht_plugin *plugin, const std::filesystem::path &file);

// Checks versions, sizes, texts, schemas, needs and roles. Throws an Error that begins with `label` and says what is
// wrong and who can mend it.
void check_descriptor(const ht_plugin *plugin, const std::string &label);

// The part of the above for one component's parameters. `where` names the component.
void check_params(const std::string &where, const ht_param *params, std::uint64_t count);

// The part for its roles.
void check_roles(const std::string &where, const ht_component &component);

}  // namespace halftone::host
