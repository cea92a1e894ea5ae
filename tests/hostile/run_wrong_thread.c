/* Edits the model from a thread of its own. */
#include <pthread.h>

#include "runs.h"
MISBEHAVES("run-wrong-thread", HOSTILE_EDITS)
struct call {
  const ht_host *host;
  ht_ctx *ctx;
};
static void *work(void *given) {
  const struct call *call = (const struct call *)given;
  const ht_graph_edit *edit = (const ht_graph_edit *)call->host->service(call->host, HT_GRAPH_EDIT_1);
  const ht_str name = text("from_a_thread");
  ht_handle value = HT_NONE;
  edit->add_value(call->ctx, HT_NONE, &name, NULL, &value);
  return NULL;
}
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  struct call call = {host, ctx};
  pthread_t thread;
  if (pthread_create(&thread, NULL, work, &call) != 0) return HT_INTERNAL;
  pthread_join(thread, NULL);
  return HT_OK;
}
