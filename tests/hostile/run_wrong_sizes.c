/* Hands over structs whose sizes are lies: none, too small, from a far future. */
#include "runs.h"
MISBEHAVES("run-wrong-sizes", HOSTILE_EDITS)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  const ht_graph *graph = (const ht_graph *)host->service(host, HT_GRAPH_1);
  ht_handle main = HT_NONE;
  ht_handles nodes = {NULL, 0};
  if (graph->main_graph(ctx, &main) != HT_OK || graph->nodes(ctx, main, &nodes) != HT_OK) return HT_INTERNAL;
  struct {
    ht_node_info info;
    unsigned char behind[4096];
  } room;
  const uint32_t sizes[] = {0, 4, 16, sizeof(ht_node_info) + 2048};
  for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    memset(&room, 0xAB, sizeof room);
    room.info.struct_size = sizes[i];
    const ht_status status = graph->node_infos(ctx, nodes.data, 1, &room.info);
    for (uint32_t b = sizes[i] < 4 ? 4 : sizes[i]; b < sizeof room; ++b) {
      if (((unsigned char *)&room)[b] != 0xAB) return HT_OK; /* written behind the struct: the test fails */
    }
    (void)status;
  }
  const ht_str why = text("no byte behind the structs was written");
  return host->fail(ctx, HT_INVALID_ARGUMENT, &why, HT_NONE);
}
