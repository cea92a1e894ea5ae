#include "core/pipeline/export_file.h"

#include "core/host/instance.h"
#include "core/host/kernel_index.h"
#include "halftone/exporter.h"

namespace halftone::pipeline {

void write_export(const ExportServices &services, const host::WorkingModel &model, const ExportStep &step,
                  const StagedFile &file) {
  host::WorkingModel copy = model;  // the exporter may edit it freely
  if (services.target != nullptr) services.target->forget();
  host::Context ctx;
  ctx.working = &copy;
  ctx.sinks = services.sinks;
  ctx.kernels = &services.kernels;
  ctx.target = services.target;
  const host::Instance exporter(services.registry.get(HT_KIND_EXPORTER, step.format), &step.settings, ctx);
  ctx.component = step.format;
  const auto &role = exporter.role<ht_exporter>(HT_EXPORTER_1);
  const std::string name = file.path().string();
  const ht_str path{name.data(), name.size()};
  try {
    host::call_component(ctx, [&] { return role.write(exporter.raw(), &ctx, &path); });
  } catch (const Error &error) {
    Error told(error.status(), file.told(error.message()));
    for (const std::string &note : error.notes()) told.note(file.told(note));
    told.note("while exporting '" + step.path + "' with '" + step.format + "'");
    throw told;
  }
}

}  // namespace halftone::pipeline
