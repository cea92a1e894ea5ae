/* A pass in C for the hosts of this folder: counts nodes and tells the type of the first. */
#include <halftone/halftone.h>

#include <stdio.h>
#include <stdlib.h>

typedef struct counter {
  const ht_graph *graph;
  const ht_report *report;
  int64_t subgraphs;
} counter;

static ht_status HT_CALL create(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t count,
                                void **instance) {
  counter *self = malloc(sizeof *self);
  if (self == NULL || count != 1) {
    static const ht_str text = {"not created", 11};
    free(self);
    return host->fail(ctx, HT_INTERNAL, &text, HT_NONE);
  }
  self->graph = host->service(host, HT_GRAPH_1);
  self->report = host->service(host, HT_REPORT_1);
  self->subgraphs = *(const int64_t *)args[0].data;
  *instance = self;
  return HT_OK;
}

static void HT_CALL destroy(void *instance) {
  free(instance);
}

static ht_status HT_CALL run(void *instance, ht_ctx *ctx) {
  const counter *self = instance;
  ht_handles graphs, nodes;
  uint64_t total = 0;
  ht_status status = self->graph->graphs(ctx, &graphs);
  for (uint64_t i = 0; status == HT_OK && i < (self->subgraphs ? graphs.size : 1); ++i) {
    status = self->graph->nodes(ctx, graphs.data[i], &nodes);
    if (status == HT_OK) total += nodes.size;
  }
  if (status != HT_OK) return status;
  ht_node_info info = {.struct_size = sizeof info};
  status = self->graph->node_infos(ctx, nodes.data, 1, &info);
  if (status != HT_OK) return status;
  static const ht_str operators = {"operators", 9}, first = {"first", 5};
  char text[32];
  const ht_str number = {text, (uint64_t)snprintf(text, sizeof text, "%llu", (unsigned long long)total)};
  self->report->row(ctx, &operators, &number);
  self->report->row(ctx, &first, &info.op_type);
  return HT_OK;
}

static const int64_t yes = 1;
static const ht_param params[] = {{.struct_size = sizeof(ht_param),
                                   .kind = HT_VALUE_FLAG,
                                   .name = "subgraphs",
                                   .doc = "Counts in all graphs.",
                                   .deflt = {HT_VALUE_FLAG, 1, &yes, {0, 0}}}};
static const ht_pass table = {sizeof(ht_pass), 0, run};
static const ht_role role = {sizeof(ht_role), 0, HT_PASS_1, &table};
static const ht_role *const roles[] = {&role};
static const char *const needs[] = {HT_GRAPH_1, HT_REPORT_1};
static const ht_component component = {.struct_size = sizeof(ht_component),
                                       .kind = HT_KIND_PASS,
                                       .determinism = HT_DETERMINISM_EXACT,
                                       .threading = HT_THREADING_INSTANCE,
                                       .capabilities = HT_CAP_GRAPH_READ,
                                       .id = "counts",
                                       .version = "1.0",
                                       .title = "Counts nodes",
                                       .doc = "For the tests of the ABI.",
                                       .params = params,
                                       .param_count = 1,
                                       .needs = needs,
                                       .need_count = 2,
                                       .roles = roles,
                                       .role_count = 1,
                                       .create = create,
                                       .destroy = destroy};
static const ht_component *const components[] = {&component};
const ht_plugin ht_plugin_entry = {.struct_size = sizeof(ht_plugin),
                                   .abi_major = HT_ABI_MAJOR,
                                   .abi_minor = HT_ABI_MINOR,
                                   .needs_host_minor = 0,
                                   .id = "halftone.tests.counts",
                                   .version = "1.0",
                                   .license = "Apache-2.0",
                                   .build = "",
                                   .components = components,
                                   .component_count = 1};
