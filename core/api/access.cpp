// A model as a pass sees it, for the program that holds it.
#include <optional>

#include "core/api/failure.h"
#include "core/api/model.h"
#include "core/host/kernel_index.h"
#include "core/host/plugin_host.h"
#include "core/host/service/services.h"
#include "core/pipeline/transaction.h"

namespace halftone::api {

namespace {

constexpr std::uint64_t kReads = HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ;
constexpr std::uint64_t kEdits = HT_CAP_GRAPH_EDIT | HT_CAP_CONFIG_EDIT;

}  // namespace

}  // namespace halftone::api

struct ht_access {
  ht_access(ht_model &of, bool edit)
      : engine(of.engine),
        shared(of.shared),
        content(of.copy()),
        kernels(engine->registry()),
        host(edit ? halftone::api::kReads | halftone::api::kEdits : halftone::api::kReads) {
    if (auto platform = halftone::api::platform_of(engine->registry(), content)) target.emplace(std::move(*platform));
    ctx.working = &content.working;
    ctx.kernels = &kernels;
    ctx.target = target ? &*target : nullptr;
    ctx.component = "the program";
  }

  std::shared_ptr<halftone::api::Engine> engine;
  std::shared_ptr<halftone::api::SharedContent> shared;
  halftone::api::ModelContent content;
  halftone::host::KernelIndex kernels;
  std::optional<halftone::pipeline::Target> target;
  halftone::host::PluginHost host;
  halftone::host::Context ctx;
};

using namespace halftone;

ht_status HT_CALL ht_access_begin(ht_model *model, std::uint32_t edit, ht_access **access) {
  return api::guarded([&] {
    api::require_given(model, "model");
    api::require_given(access, "access");
    const auto in_use = model->engine->in_use();
    *access = new ht_access(*model, edit != 0);
  });
}

const void *HT_CALL ht_access_service(ht_access *access, const char *id) {
  if (access == nullptr || id == nullptr) return nullptr;
  return access->host.table.service(&access->host.table, id);
}

ht_ctx *HT_CALL ht_access_context(ht_access *access) {
  return access == nullptr ? nullptr : &access->ctx;
}

ht_status HT_CALL ht_context_error(ht_ctx *ctx, ht_status status) {
  api::forget_failure();
  if (ctx == nullptr || status == HT_OK) return status;
  if (ctx->error && static_cast<ht_status>(ctx->error->status()) == status) return api::keep_failure(*ctx->error);
  return api::keep_failure(
      Error(static_cast<Status>(status), fmt::format("a service answered with status {}", status)));
}

void HT_CALL ht_access_forget(ht_access *access) {
  if (access != nullptr) access->ctx.arena.reset();
}

ht_status HT_CALL ht_access_commit(ht_access *access) {
  return api::guarded([&] {
    api::require_given(access, "access");
    if ((access->host.capabilities & api::kEdits) == 0)
      fail(Status::kFailedPrecondition, "this access does not edit; begin one that does");
    host::WorkingModel edited = access->content.working;
    edited.configs.settle_slaves();
    pipeline::verify(edited);
    api::SharedContent &model = *access->shared;
    const std::scoped_lock lock(model.mutex);
    if (model.content.generation != access->content.generation) {
      fail(Status::kStale, "the model was changed since this access began; begin another and edit again");
    }
    access->content.generation = ++model.content.generation;
    access->content.working = edited;
    model.content.working = std::move(edited);
  });
}

void HT_CALL ht_access_end(ht_access *access) {
  delete access;
}
