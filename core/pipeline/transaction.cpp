#include "core/pipeline/transaction.h"

#include <chrono>

#include "core/host/instance.h"
#include "core/host/service/target_service.h"
#include "core/model/verify.h"
#include "halftone/pass.h"

namespace halftone::pipeline {

namespace {

void verify(const host::WorkingModel &working) {
  model::verify(working.model);
  const std::vector<std::string> faults = quant::find_faults(working.configs, working.model);
  if (!faults.empty()) {
    fail(Status::kInternal, "{}{}", faults.front(),
         faults.size() > 1 ? fmt::format(" (and {} more faults)", faults.size() - 1) : "");
  }
}

}  // namespace

StepReport run_step(const PlannedStep &step, const RunServices &services, host::WorkingModel &model) {
  const auto start = std::chrono::steady_clock::now();
  StepReport report;
  report.id = step.component->id();
  report.inserted = step.inserted;
  host::WorkingModel copy = model;
  host::Context ctx;
  ctx.working = &copy;
  ctx.original = services.reference != nullptr ? services.reference : &model;
  ctx.sinks = services.sinks;
  ctx.calibration = services.calibration;
  ctx.target = services.target;
  ctx.kernels = services.kernels;
  ctx.execution = services.execution;
  ctx.parallel = services.parallel;
  ctx.component = report.id;
  if (services.target != nullptr) services.target->forget();
  const host::Instance instance(*step.component, &step.settings, ctx);  // its messages have a location already
  try {
    const auto &role = instance.role<ht_pass>(HT_PASS_1);
    host::call_component(ctx, [&] { return role.run(instance.raw(), &ctx); });
  } catch (Error &error) {
    error.note(fmt::format("in pass '{}'{}", report.id, step.where.line == 0 ? "" : " (" + step.where.text() + ")"));
    throw;
  }
  try {
    copy.configs.settle_slaves();  // once for all scales that the pass set
    verify(copy);
  } catch (Error &error) {
    error.note(fmt::format("after pass '{}', whose edits were dropped", report.id));
    throw;
  }
  model = std::move(copy);
  report.rows = std::move(ctx.report);
  report.artefacts = std::move(ctx.artefacts);
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace halftone::pipeline
