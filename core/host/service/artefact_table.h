// The table of the service artefact.
#pragma once

#include "halftone/artefact.h"

namespace halftone::host {

const ht_artefact *artefact_table();

}  // namespace halftone::host
