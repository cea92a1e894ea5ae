// The table of the service trial.
#pragma once

#include "halftone/trial.h"

namespace halftone::host {

const ht_trial_runs *trial_table();

}  // namespace halftone::host
