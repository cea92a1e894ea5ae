// Parameter values as text, and texts as settings: how observer parameters are kept with a config.
#pragma once

#include <map>
#include <string>

#include "core/base/setting.h"
#include "halftone/param.h"

namespace halftone::host {

// The first element of a value as it would be written in YAML; lists become [a, b].
std::string parameter_text(const ht_value &value);

// A scalar setting that reads as the text does: number, flag or string.
Setting setting_of_text(const std::string &text, const std::string &origin);

// A map of such settings.
Setting settings_of_texts(const std::map<std::string, std::string> &texts, const std::string &origin);

}  // namespace halftone::host
