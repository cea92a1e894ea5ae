#include "halftone/component.hpp"

HALFTONE_PLUGIN("halftone.passes.precision", "0.1.0", "Apache-2.0")
