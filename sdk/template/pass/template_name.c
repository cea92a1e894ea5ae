/* A pass that keeps all operators of one type in float. It shows what most passes do: it takes a parameter, walks over
 * the operators, changes quantization configs, and reports what it did. */
#include <halftone/halftone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An instance: what create() makes of the parameters, and the services that run() uses. */
typedef struct keeper {
  const ht_graph *graph; /* tables of services live as long as the process */
  const ht_config_read *configs;
  const ht_config_edit *edit;
  const ht_report *report;
  char *type;
  uint64_t type_size;
} keeper;

static void destroy(void *instance) {
  keeper *self = instance;
  if (self != NULL) free(self->type);
  free(self);
}

/* The values are in the order of `params`, checked, and have their defaults; they are gone when this returns. */
static ht_status create(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t count, void **instance) {
  const ht_str *type = args[0].data;
  keeper *self = calloc(1, sizeof *self);
  (void)ctx, (void)count;
  if (self == NULL || (self->type = malloc((size_t)type->size + 1)) == NULL) {
    destroy(self);
    return HT_RESOURCE_EXHAUSTED;
  }
  memcpy(self->type, type->data, (size_t)type->size);
  self->type_size = type->size;
  self->graph = host->service(host, HT_GRAPH_1); /* not null: stated in `needs` and `capabilities` */
  self->configs = host->service(host, HT_CONFIG_1);
  self->edit = host->service(host, HT_CONFIG_EDIT_1);
  self->report = host->service(host, HT_REPORT_1);
  *instance = self;
  return HT_OK;
}

static ht_status keep(const keeper *self, ht_ctx *ctx, const ht_handles *configs) {
  static const ht_str reason = {"template-name keeps it", sizeof "template-name keeps it" - 1};
  ht_status status = HT_OK;
  for (uint64_t i = 0; status == HT_OK && i < configs->size; ++i) {
    if (configs->data[i] != HT_NONE) status = self->edit->set_state(ctx, configs->data[i], HT_STATE_FP32, &reason);
  }
  return status;
}

/* One operator: *kept grows if it is of the type. */
static ht_status visit(const keeper *self, ht_ctx *ctx, ht_handle node, uint64_t *kept) {
  ht_node_info info = {.struct_size = sizeof info};
  ht_handles inputs, outputs;
  ht_status status = self->graph->node_infos(ctx, &node, 1, &info);
  if (status != HT_OK) return status;
  if (info.domain.size != 0 || info.op_type.size != self->type_size ||
      memcmp(info.op_type.data, self->type, (size_t)self->type_size) != 0) {
    return HT_OK;
  }
  *kept += 1;
  status = self->configs->of_node(ctx, node, &inputs, &outputs);
  if (status == HT_OK) status = keep(self, ctx, &inputs);
  return status == HT_OK ? keep(self, ctx, &outputs) : status;
}

/* Works on a copy of the model, which takes the model's place when this returns HT_OK and the verifier finds no fault.
 * A service that fails has recorded why, so that its status is all there is to return; for a failure of its own a pass
 * returns `host->fail(ctx, status, &text, handle)`. */
static ht_status run(void *instance, ht_ctx *ctx) {
  const keeper *self = instance;
  ht_handles graphs, nodes;
  uint64_t kept = 0, all = 0;
  ht_status status = self->graph->graphs(ctx, &graphs); /* the main graph, then the bodies of If, Loop and Scan */
  for (uint64_t g = 0; status == HT_OK && g < graphs.size; ++g) {
    status = self->graph->nodes(ctx, graphs.data[g], &nodes);
    for (uint64_t n = 0; status == HT_OK && n < nodes.size; ++n, ++all) {
      status = visit(self, ctx, nodes.data[n], &kept);
    }
  }
  if (status != HT_OK) return status;
  static const ht_str key = {"kept", 4};
  char text[64];
  const int size =
      snprintf(text, sizeof text, "%llu of %llu operators", (unsigned long long)kept, (unsigned long long)all);
  const ht_str row = {text, (uint64_t)size};
  self->report->row(ctx, &key, &row);
  return HT_OK;
}

/* From here on it is data, which the host reads before it runs anything: `halftone help pass template-name` prints it,
 * and what a user writes is checked against it. */
static const ht_str softmax = {"Softmax", 7};
static const ht_param params[] = {{.struct_size = sizeof(ht_param),
                                   .kind = HT_VALUE_STR,
                                   .name = "operator_type",
                                   .doc = "The type, as ONNX calls it.",
                                   .deflt = {HT_VALUE_STR, 1, &softmax, {0, 0}}}};
static const ht_pass table = {sizeof(ht_pass), 0, run};
static const ht_role role = {sizeof(ht_role), 0, HT_PASS_1, &table};
static const ht_role *const roles[] = {&role};
static const char *const needs[] = {HT_GRAPH_1, HT_CONFIG_1, HT_CONFIG_EDIT_1, HT_REPORT_1};
static const char *const after[] = {HT_FACT_CONFIGS}; /* must hold before it: it goes behind assign-configs */
static const ht_component component = {
    .struct_size = sizeof(ht_component),
    .kind = HT_KIND_PASS,
    .determinism = HT_DETERMINISM_EXACT,
    .threading = HT_THREADING_INSTANCE,
    .capabilities = HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT,
    .id = "template-name",
    .version = "0.1.0",
    .title = "keeps operators of one type in float",
    .doc = "Sets the configs of every operator of the given type to float, bodies of control flow included.",
    .params = params,
    .param_count = 1,
    .needs = needs,
    .need_count = 4,
    .after = after,
    .after_count = 1,
    .roles = roles,
    .role_count = 1,
    .create = create,
    .destroy = destroy};
static const ht_component *const components[] = {&component};
const ht_plugin ht_plugin_entry = {.struct_size = sizeof(ht_plugin),
                                   .abi_major = HT_ABI_MAJOR,
                                   .abi_minor = HT_ABI_MINOR,
                                   .needs_host_minor = 0, /* the lowest minor of the host that it works with */
                                   .id = "com.example.template-name",
                                   .version = "0.1.0",
                                   .license = "Apache-2.0",
                                   .build = "",
                                   .components = components,
                                   .component_count = 1};
