/* Goes on with the handle of a node that it has removed, and of things that never were. */
#include "runs.h"
MISBEHAVES("run-stale-handle", HOSTILE_EDITS)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  const ht_graph *graph = (const ht_graph *)host->service(host, HT_GRAPH_1);
  const ht_graph_edit *edit = (const ht_graph_edit *)host->service(host, HT_GRAPH_EDIT_1);
  ht_handle main = HT_NONE;
  ht_handles nodes = {NULL, 0};
  if (graph->main_graph(ctx, &main) != HT_OK || graph->nodes(ctx, main, &nodes) != HT_OK) return HT_INTERNAL;
  const ht_handle wild[] = {~(ht_handle)0, HT_NONE, main, nodes.data[0] ^ 0xFFFF, nodes.data[0] ^ ((ht_handle)1 << 40)};
  const ht_handle gone = nodes.data[0];
  for (unsigned i = 0; i < sizeof wild / sizeof wild[0]; ++i) {
    if (edit->remove_node(ctx, wild[i]) == HT_OK) return HT_OK; /* a handle of nothing was taken: the test fails */
  }
  if (edit->remove_node(ctx, gone) != HT_OK) return HT_INTERNAL;
  return edit->remove_node(ctx, gone);
}
