/* A pass in plain C that a file of this folder has misbehave when it runs: the file says MISBEHAVES(name, capabilities)
 * and what happens then. */
#ifndef HALFTONE_TESTS_HOSTILE_RUNS_H
#define HALFTONE_TESTS_HOSTILE_RUNS_H

#include "roles.h"

static ht_status misbehave(const ht_host *host, ht_ctx *ctx);

static ht_status run(void *instance, ht_ctx *ctx) {
  return misbehave((const ht_host *)instance, ctx);
}

static inline ht_str text(const char *s) {
  const ht_str out = {s, strlen(s)};
  return out;
}

/* What every run of these passes does first, so that there is something to be undone: every node gets another name. */
static inline ht_status edit_all(const ht_host *host, ht_ctx *ctx) {
  const ht_graph *graph = (const ht_graph *)host->service(host, HT_GRAPH_1);
  const ht_graph_edit *edit = (const ht_graph_edit *)host->service(host, HT_GRAPH_EDIT_1);
  ht_handle main = HT_NONE;
  ht_handles nodes = {NULL, 0};
  if (graph->main_graph(ctx, &main) != HT_OK || graph->nodes(ctx, main, &nodes) != HT_OK) return HT_INTERNAL;
  for (uint64_t i = 0; i < nodes.size; ++i) {
    const ht_str base = text("spoilt");
    ht_str name = {NULL, 0};
    if (edit->unique_name(ctx, main, &base, &name) != HT_OK) return HT_INTERNAL;
    char own[32] = "spoilt_";
    own[7] = (char)('a' + i % 26), own[8] = (char)('a' + i / 26 % 26);
    const ht_str given = text(own);
    if (edit->rename_node(ctx, nodes.data[i], &given) != HT_OK) return HT_INTERNAL;
  }
  return HT_OK;
}

static const ht_pass table = {sizeof(ht_pass), 0, run};
#define HOSTILE_EDITS (HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT)

#define MISBEHAVES(name, allowed) OFFERS(name, HT_KIND_PASS, HT_PASS_1, allowed, HT_THREADING_INSTANCE)

#endif
