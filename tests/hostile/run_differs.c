/* Promises the same result every time, and names a node after how often it ran. */
#include "runs.h"
MISBEHAVES("run-differs", HOSTILE_EDITS)
static char name[] = "run_0";
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  const ht_graph *graph = (const ht_graph *)host->service(host, HT_GRAPH_1);
  const ht_graph_edit *edit = (const ht_graph_edit *)host->service(host, HT_GRAPH_EDIT_1);
  ht_handle main = HT_NONE;
  ht_handles nodes = {NULL, 0};
  if (graph->main_graph(ctx, &main) != HT_OK || graph->nodes(ctx, main, &nodes) != HT_OK) return HT_INTERNAL;
  ++name[4];
  const ht_str given = text(name);
  return edit->rename_node(ctx, nodes.data[0], &given);
}
