#include "core/api/execution.h"

#include "core/api/failure.h"
#include "core/pipeline/compared_models.h"
#include "core/pipeline/executor_setting.h"
#include "core/pipeline/float32_form.h"
#include "core/pipeline/named.h"
#include "core/pipeline/platform_lookup.h"

namespace halftone::api {

host::Mode mode_of(std::uint32_t mode) {
  if (mode == 0) return host::Mode::kFloat;
  if (mode <= HT_MODE_INTEGER) return static_cast<host::Mode>(mode);
  fail(Status::kInvalidArgument, "{} is no mode; it is HT_MODE_FLOAT, HT_MODE_SIMULATED or HT_MODE_INTEGER", mode);
}

std::unique_ptr<host::Instance> executor_of(const host::Registry &registry, const ModelContent &content,
                                            const char *executor, const char *platform, host::Mode mode) {
  const host::Component &component =
      pipeline::named_component(registry, HT_KIND_EXECUTOR, executor == nullptr ? content.executor : executor);
  std::optional<pipeline::PlatformDescriptor> descriptor;
  if (platform != nullptr) {
    if (mode != host::Mode::kInteger)
      fail(Status::kInvalidArgument, "a platform says how integer mode computes; leave it out in other modes");
    descriptor = pipeline::find_platform(registry, platform, {});
  } else {
    descriptor = platform_of(registry, content);
  }
  const Setting settings = pipeline::executor_settings(component, descriptor ? &*descriptor : nullptr);
  host::Context ctx;
  return std::make_unique<host::Instance>(component, &settings, ctx);
}

void make_ready(const host::Registry &registry, const host::KernelIndex &kernels, host::Mode mode,
                ModelContent &content) {
  const bool has_configs = content.quantized();
  pipeline::bring_to_float32(registry, kernels, content.working);
  if (!has_configs) pipeline::prepare_for(mode, content.name(), content.working);
}

std::unique_ptr<host::Session> open_session(const host::Instance &executor, const host::KernelIndex &kernels,
                                            host::WorkingModel &working, const host::SessionRequest &request,
                                            const host::RunSinks &sinks) {
  host::Context ctx;
  ctx.working = &working;
  ctx.kernels = &kernels;
  ctx.sinks = sinks;
  return std::make_unique<host::Session>(executor, ctx, request);
}

}  // namespace halftone::api
