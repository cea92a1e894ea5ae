// A model as executors compute it fast: in float32.
#pragma once

#include "core/host/context.h"
#include "core/host/kernel_index.h"
#include "core/host/registry.h"

namespace halftone::pipeline {

// A model with float16, bfloat16 or float64 parts goes through the pass `unify-floats`, where a plug-in has it: few
// kernels compute in these types. Inputs and outputs keep their types and names; handles may change. Other models stay
// as they are.
void bring_to_float32(const host::Registry &registry, const host::KernelIndex &kernels, host::WorkingModel &working);

}  // namespace halftone::pipeline
