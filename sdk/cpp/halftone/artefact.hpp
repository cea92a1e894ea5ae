// Files that a pass leaves beside the results, over "ht.artefact/1". Failures throw.
#pragma once

#include <string_view>

#include "halftone/artefact.h"
#include "halftone/host.hpp"

namespace halftone::sdk {

// `name` is of letters, digits and "._-"; the run that names no folder for artefacts drops the file.
inline void write_artefact(const Context &ctx, std::string_view name, std::string_view content) {
  const auto *api = ctx.host.find<ht_artefact>(HT_ARTEFACT_1);
  if (api == nullptr) {
    throw Failure(HT_PERMISSION_DENIED,
                  "the component did not declare HT_CAP_FILE_WRITE, or the host is older than " HT_ARTEFACT_1);
  }
  const ht_str n = view(name);
  check(api->write(ctx.raw, &n, content.data(), content.size()));
}

}  // namespace halftone::sdk
