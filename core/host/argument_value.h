// One setting against one parameter of a schema.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/setting.h"
#include "core/host/value_store.h"
#include "halftone/param.h"

namespace halftone::host {

// Where a message points: "pipeline.yaml:7:5: ", or "" when the setting has no place.
std::string prefix_of(const Location &where);

// The checked value of `setting` for `param`. Throws InvalidArgument; `what` names the component.
ht_value convert_value(const ht_param &param, const Setting &setting, const std::string &what, ValueStore &store);

// Bytes of "4096", "512MiB", "1.5GB"; false when the text is no size or more than fits.
bool parse_size(std::string_view text, std::int64_t &bytes);
// "512MiB" where a binary unit divides the number, else "1000 bytes".
std::string format_size(std::int64_t bytes);

}  // namespace halftone::host
