/* Asks for a service that it has not declared, and says so. */
#include "runs.h"
MISBEHAVES("run-without-capability", HT_CAP_GRAPH_READ)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  if (host->service(host, HT_GRAPH_EDIT_1) != NULL || host->service(host, HT_CONFIG_EDIT_1) != NULL) return HT_OK;
  const ht_str why = text("ht.graph_edit/1 is not there");
  return host->fail(ctx, HT_PERMISSION_DENIED, &why, HT_NONE);
}
