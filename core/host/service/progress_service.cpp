#include "core/host/service/table.h"
#include "core/host/service/tables.h"

namespace halftone::host {

namespace {
ht_status HT_CALL poll(ht_ctx *ctx, std::uint64_t done, std::uint64_t total) {
  return serve(ctx, [&] {
    if (ctx->sinks.progress) ctx->sinks.progress(done, total);
    if (ctx->sinks.cancelled != nullptr && ctx->sinks.cancelled->load(std::memory_order_relaxed)) {
      fail(Status::kCancelled, "cancelled");
    }
  });
}
}  // namespace

const ht_progress *progress_table() {
  static constexpr ht_progress kTable = {sizeof(ht_progress), 0, &poll};
  return &kTable;
}

}  // namespace halftone::host
