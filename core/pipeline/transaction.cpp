#include "core/pipeline/transaction.h"

#include <chrono>

#include "core/host/instance.h"
#include "core/host/isolation/trust.h"
#include "core/host/lent_weights.h"
#include "core/host/service/target_service.h"
#include "core/host/working_image.h"
#include "core/model/verify.h"
#include "halftone/pass.h"

namespace halftone::pipeline {

void verify(const host::WorkingModel &working) {
  model::verify(working.model);
  const std::vector<std::string> faults = quant::find_faults(working.configs, working.model);
  if (!faults.empty()) {
    fail(Status::kInternal, "{}{}", faults.front(),
         faults.size() > 1 ? fmt::format(" (and {} more faults)", faults.size() - 1) : "");
  }
}

namespace {

std::string in_pass(const PlannedStep &step) {
  return fmt::format("in pass '{}'{}", step.component->id(),
                     step.where.line == 0 ? "" : " (" + step.where.text() + ")");
}

// What a pass made of a copy of the model.
struct Attempt {
  host::WorkingModel model;
  std::vector<std::pair<std::string, std::string>> rows;
  std::vector<host::Artefact> artefacts;
};

Attempt attempt(const PlannedStep &step, const RunServices &services, const host::WorkingModel &before) {
  Attempt made{before, {}, {}};
  const bool is_checked = host::trust_of(*step.component) == host::Trust::kChecked;
  host::LentWeights weights;
  if (is_checked) weights.lend(made.model.model);
  host::WorkingModel original = before;  // the pass may only look at it
  host::Context ctx;
  ctx.working = &made.model;
  ctx.original = services.reference != nullptr ? services.reference : &original;
  ctx.sinks = services.sinks;
  ctx.calibration = services.calibration;
  ctx.target = services.target;
  ctx.kernels = services.kernels;
  ctx.execution = services.execution;
  ctx.parallel = services.parallel;
  ctx.training = services.training;
  ctx.component = step.component->id();
  ctx.owner = pthread_self();
  if (services.target != nullptr) services.target->forget();
  const host::Instance instance(*step.component, &step.settings, ctx);  // its messages have a location already
  try {
    const auto &role = instance.role<ht_pass>(HT_PASS_1);
    host::call_component(ctx, [&] { return role.run(instance.raw(), &ctx); });
    if (is_checked && !weights.take_back(made.model.model)) {
      fail(Status::kInternal,
           "component '{}' wrote into stored tensors that it was lent to read; the model's own are whole",
           step.component->id());
    }
  } catch (Error &error) {
    error.note(in_pass(step));
    throw;
  }
  try {
    made.model.configs.settle_slaves();  // once for all scales that the pass set
    verify(made.model);
  } catch (const Error &fault) {
    Error error(Status::kInternal, fault.message());  // whatever the verifier calls it, the pass is to blame
    for (const std::string &note : fault.notes()) error.note(note);
    error.note(fmt::format("after pass '{}', whose edits were dropped", step.component->id()));
    throw error;
  }
  made.rows = std::move(ctx.report);
  made.artefacts = std::move(ctx.artefacts);
  return made;
}

void require_same(const PlannedStep &step, const RunServices &services, const host::WorkingModel &before,
                  const Attempt &first) {
  RunServices quiet = services;
  quiet.sinks = {};
  quiet.sinks.cancelled = services.sinks.cancelled;
  const Attempt second = attempt(step, quiet, before);
  std::string where = host::difference(first.model, second.model);
  if (where.empty() && first.rows != second.rows) where = "the lines of its report";
  if (where.empty() && first.artefacts != second.artefacts) where = "its artefacts";
  if (where.empty()) return;
  Error error(Status::kInternal,
              fmt::format("pass '{}' promises the same result every time, and two runs from one model differ in {}",
                          step.component->id(), where));
  throw error.note(in_pass(step));
}

// A pass that promises nothing is held to nothing.
bool runs_twice(const host::Component &component) {
  return host::trust_of(component) == host::Trust::kChecked &&
         component.description->determinism >= HT_DETERMINISM_FIXED_THREADS;
}

}  // namespace

StepReport run_step(const PlannedStep &step, const RunServices &services, host::WorkingModel &model) {
  const auto start = std::chrono::steady_clock::now();
  StepReport report;
  report.id = step.component->id();
  report.inserted = step.inserted;
  Attempt made = attempt(step, services, model);
  if (runs_twice(*step.component)) require_same(step, services, model, made);
  model = std::move(made.model);
  report.rows = std::move(made.rows);
  report.artefacts = std::move(made.artefacts);
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace halftone::pipeline
