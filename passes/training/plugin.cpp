#include "halftone/component.hpp"

HALFTONE_PLUGIN("halftone.passes.training", "0.1.0", "Apache-2.0")
