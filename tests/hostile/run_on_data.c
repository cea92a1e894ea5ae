/* Runs the model on all samples and fails with what it saw: a replay has to see the same. */
#include <stdio.h>

#include "runs.h"
MISBEHAVES("run-on-data", HOSTILE_EDITS | HT_CAP_CALIBRATE | HT_CAP_EXECUTE)
static uint64_t bits[64]; /* a sum of words does not depend on the order of the samples */
static ht_status HT_CALL see(void *user, ht_ctx *ctx, uint32_t worker, uint64_t sample, ht_handle value,
                             const ht_tensor_view *tensor) {
  (void)user, (void)ctx, (void)sample, (void)value;
  uint64_t count = 1;
  for (uint32_t axis = 0; axis < tensor->rank; ++axis) count *= (uint64_t)tensor->shape[axis];
  for (uint64_t i = 0; i < count; ++i) {
    uint32_t word;
    memcpy(&word, (const char *)tensor->data + 4 * i, 4);
    bits[worker % 64] += word;
  }
  return HT_OK;
}
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  const ht_graph *graph = (const ht_graph *)host->service(host, HT_GRAPH_1);
  const ht_execution *execution = (const ht_execution *)host->service(host, HT_EXECUTION_1);
  ht_handle main = HT_NONE;
  ht_handles outputs = {NULL, 0};
  if (graph->main_graph(ctx, &main) != HT_OK || graph->outputs(ctx, main, &outputs) != HT_OK) return HT_INTERNAL;
  const ht_execution_options options = {
      .struct_size = sizeof options, .mode = HT_MODE_SIMULATED, .plain = 1, .values = outputs};
  const ht_execution_sink sink = {.struct_size = sizeof sink, .see = see};
  ht_execution_result result = {.struct_size = sizeof result};
  const ht_status status = execution->run(ctx, &options, &sink, &result);
  if (status != HT_OK) return status;
  uint64_t sum = 0;
  for (int i = 0; i < 64; ++i) sum += bits[i];
  char said[96];
  snprintf(said, sizeof said, "saw %d samples, words %016llx", (int)result.samples, (unsigned long long)sum);
  const ht_str why = text(said);
  return host->fail(ctx, HT_INTERNAL, &why, HT_NONE);
}
