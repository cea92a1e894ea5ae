/* A pass in plain C11 that counts the model's operators: reads the model, takes a parameter, reports a row. */
#include <halftone/halftone.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct counter {
  const ht_graph *graph; /* services live as long as the process */
  const ht_report *report;
  int64_t subgraphs;
} counter;

static ht_status create(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t count, void **instance) {
  counter *self = malloc(sizeof *self);
  (void)ctx, (void)count;
  if (self == NULL) return HT_RESOURCE_EXHAUSTED;
  self->graph = host->service(host, HT_GRAPH_1); /* not null: stated in `needs` and `capabilities` */
  self->report = host->service(host, HT_REPORT_1);
  self->subgraphs = *(const int64_t *)args[0].data; /* in the order of `params`, checked by the host */
  *instance = self;
  return HT_OK;
}

static void destroy(void *instance) {
  free(instance);
}

static ht_status run(void *instance, ht_ctx *ctx) {
  const counter *self = instance;
  ht_handles graphs, nodes;
  uint64_t total = 0;
  ht_status status = self->graph->graphs(ctx, &graphs); /* the main graph comes first */
  for (uint64_t i = 0; status == HT_OK && i < (self->subgraphs ? graphs.size : 1); ++i) {
    status = self->graph->nodes(ctx, graphs.data[i], &nodes);
    if (status == HT_OK) total += nodes.size;
  }
  if (status != HT_OK) return status; /* the service has recorded why */
  static const ht_str key = {"operators", 9};
  char text[32];
  const ht_str row = {text, (uint64_t)snprintf(text, sizeof text, "%llu", (unsigned long long)total)};
  self->report->row(ctx, &key, &row);
  return HT_OK;
}

static const int64_t yes = 1;
static const ht_param params[] = {{.struct_size = sizeof(ht_param),
                                   .kind = HT_VALUE_FLAG,
                                   .name = "subgraphs",
                                   .doc = "Counts inside If, Loop and Scan too.",
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
                                       .id = "count-operators",
                                       .version = "1.0",
                                       .title = "Counts operators",
                                       .doc = "Reports how many operators the model has.",
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
                                   .needs_host_minor = 0, /* the lowest minor of the host that it works with */
                                   .id = "com.example.count-operators-c",
                                   .version = "1.0",
                                   .license = "Apache-2.0",
                                   .build = "",
                                   .components = components,
                                   .component_count = 1};
