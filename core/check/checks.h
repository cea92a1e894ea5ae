// The checks, each a function of the workbench that runs in a child process.
#pragma once

#include "core/check/workbench.h"

namespace halftone::check {

void check_load(Workbench &bench);
void check_symbols(Workbench &bench);
void check_descriptor(Workbench &bench);
void check_documentation(Workbench &bench);
void check_parameters(Workbench &bench);
void check_memory(Workbench &bench);
void check_runs(Workbench &bench);
void check_determinism(Workbench &bench);
void check_threads(Workbench &bench);
void check_surroundings(Workbench &bench);
void check_cancel(Workbench &bench);

}  // namespace halftone::check
