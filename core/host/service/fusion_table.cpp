#include "core/host/service/fusion_table.h"

#include "core/host/service/fusion_service.h"
#include "core/host/service/table.h"
#include "core/host/service/target_service.h"

namespace halftone::host {
namespace {

// Null where the run has no platform, and so no fusions.
FusionService *fusions(ht_ctx *ctx) {
  return ctx->target == nullptr ? nullptr : ctx->target->fusions();
}

FusionService &required(ht_ctx *ctx) {
  FusionService *found = fusions(ctx);
  if (found == nullptr) fail(Status::kNotFound, "this run has no fusions");
  return *found;
}

ht_strs kept_texts(ht_ctx *ctx, const std::vector<std::string> &texts) {
  std::vector<ht_str> list;
  for (const std::string &one : texts) list.push_back(kept_text(ctx, one));
  return {keep(ctx, std::span<const ht_str>(list)), list.size()};
}

ht_status HT_CALL names(ht_ctx *ctx, ht_strs *list) {
  return serve(ctx, [&] {
    FusionService *found = fusions(ctx);
    *list = kept_texts(ctx, found == nullptr ? std::vector<std::string>() : found->names());
  });
}

ht_status HT_CALL find(ht_ctx *ctx, ht_strs *lines) {
  return serve_run(ctx, [&] {
    FusionService *found = fusions(ctx);
    *lines = kept_texts(ctx, found == nullptr ? std::vector<std::string>() : found->find(working(ctx)));
  });
}

ht_status HT_CALL places(ht_ctx *ctx, const ht_str *name, ht_handles *roots) {
  return serve(ctx, [&] { *roots = kept_handles(ctx, required(ctx).places(working(ctx), text(name))); });
}

ht_status HT_CALL nodes(ht_ctx *ctx, ht_handle root, ht_handles *list) {
  return serve(ctx, [&] { *list = kept_handles(ctx, required(ctx).nodes(working(ctx), root)); });
}

ht_status HT_CALL value(ht_ctx *ctx, ht_handle root, const ht_str *name, ht_handle *found) {
  return serve(ctx, [&] { *found = required(ctx).value(working(ctx), root, text(name)); });
}

ht_status HT_CALL pinned(ht_ctx *ctx, ht_handles *configs) {
  return serve(ctx, [&] {
    FusionService *found = fusions(ctx);
    *configs = kept_handles(ctx, found == nullptr ? std::vector<model::Handle>() : found->pinned(working(ctx)));
  });
}

ht_status HT_CALL shares(ht_ctx *ctx, ht_handles *configs) {
  return serve(ctx, [&] {
    std::vector<model::Handle> list;
    if (FusionService *found = fusions(ctx)) {
      for (const std::vector<model::Handle> &group : found->shares(working(ctx))) {
        list.insert(list.end(), group.begin(), group.end());
        list.push_back(HT_NONE);
      }
    }
    *configs = kept_handles(ctx, list);
  });
}

ht_status HT_CALL replace(ht_ctx *ctx, ht_handle root, std::uint32_t form, ht_handles *made) {
  return serve_run(ctx, [&] {
    if (form != HT_FUSION_FUSED && form != HT_FUSION_DEPLOYED) {
      fail(Status::kInvalidArgument, "unknown form {} of a fusion", form);
    }
    *made = kept_handles(ctx, required(ctx).replace(working(ctx), root, form));
  });
}

ht_status refuse(ht_ctx *ctx) {
  return serve(ctx, [] {
    fail(Status::kPermissionDenied, "the component did not declare HT_CAP_GRAPH_EDIT, which this function needs");
  });
}
ht_status HT_CALL refuse_find(ht_ctx *ctx, ht_strs *) {
  return refuse(ctx);
}
ht_status HT_CALL refuse_replace(ht_ctx *ctx, ht_handle, std::uint32_t, ht_handles *) {
  return refuse(ctx);
}

}  // namespace

const ht_fusion *fusion_table() {
  static constexpr ht_fusion kTable = {sizeof(ht_fusion), 0,       &names,  &find, &places, &nodes, &value,
                                       &pinned,           &shares, &replace};
  return &kTable;
}

const ht_fusion *fusion_reading_table() {
  static constexpr ht_fusion kTable = {
      sizeof(ht_fusion), 0, &names, &refuse_find, &places, &nodes, &value, &pinned, &shares, &refuse_replace};
  return &kTable;
}

}  // namespace halftone::host
