// One export of a working model by an exporter plug-in.
#pragma once

#include "core/base/staged_file.h"
#include "core/host/context.h"
#include "core/host/registry.h"
#include "core/pipeline/pipeline_spec.h"
#include "core/pipeline/target.h"

namespace halftone::pipeline {

// What exporters find beside the model. `target` may be null.
struct ExportServices {
  const host::Registry &registry;
  const host::KernelIndex &kernels;
  Target *target;
  host::RunSinks sinks;
};

// Writes under the staged name; nothing appears yet. The model stays as it is.
void write_export(const ExportServices &services, const host::WorkingModel &model, const ExportStep &step,
                  const StagedFile &file);

}  // namespace halftone::pipeline
