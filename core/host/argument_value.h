// One setting against one parameter of a schema.
#pragma once

#include <string>

#include "core/base/setting.h"
#include "core/host/value_store.h"
#include "halftone/param.h"

namespace halftone::host {

// Where a message points: "pipeline.yaml:7:5: ", or "" when the setting has no place.
std::string prefix_of(const Location &where);

// The checked value of `setting` for `param`. Throws InvalidArgument; `what` names the component.
ht_value convert_value(const ht_param &param, const Setting &setting, const std::string &what, ValueStore &store);

}  // namespace halftone::host
