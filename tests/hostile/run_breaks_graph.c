/* Leaves a value that is read and that nothing makes. */
#include "runs.h"
MISBEHAVES("run-breaks-graph", HOSTILE_EDITS)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  const ht_graph *graph = (const ht_graph *)host->service(host, HT_GRAPH_1);
  const ht_graph_edit *edit = (const ht_graph_edit *)host->service(host, HT_GRAPH_EDIT_1);
  ht_handle main = HT_NONE;
  ht_handles nodes = {NULL, 0};
  if (graph->main_graph(ctx, &main) != HT_OK || graph->nodes(ctx, main, &nodes) != HT_OK) return HT_INTERNAL;
  return edit->remove_node(ctx, nodes.data[0]);
}
