/* Writes into weights that it was lent to read. */
#include "runs.h"
MISBEHAVES("run-scribbles", HOSTILE_EDITS)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  const ht_graph *graph = (const ht_graph *)host->service(host, HT_GRAPH_1);
  ht_handle main = HT_NONE;
  ht_handles values = {NULL, 0};
  if (graph->main_graph(ctx, &main) != HT_OK || graph->values(ctx, main, &values) != HT_OK) return HT_INTERNAL;
  for (uint64_t i = 0; i < values.size; ++i) {
    ht_tensor_view view = {.struct_size = sizeof view};
    if (graph->initializer(ctx, values.data[i], &view) != HT_OK || view.dtype != HT_F32) continue;
    uint64_t count = 1;
    for (uint32_t axis = 0; axis < view.rank; ++axis) count *= (uint64_t)view.shape[axis];
    for (uint64_t e = 0; e < count; ++e) ((float *)view.data)[e] = 1000.0f;
  }
  return HT_OK;
}
