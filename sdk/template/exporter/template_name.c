/* An exporter that writes a table of all scales and zero points, for a runtime that takes the float model and a table
 * beside it. It shows what most exporters do: walk over the operators, read the quantizers, write a file. */
#include <halftone/halftone.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct exporter {
  const ht_graph *graph; /* tables of services live as long as the process */
  const ht_config_read *configs;
  const ht_model_io *io;
  const ht_memory *memory;
  int64_t header;
} exporter;

static ht_status create(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t count, void **instance) {
  exporter *self = malloc(sizeof *self);
  (void)ctx, (void)count;
  if (self == NULL) return HT_RESOURCE_EXHAUSTED;
  self->graph = host->service(host, HT_GRAPH_1); /* not null: stated in `needs` and `capabilities` */
  self->configs = host->service(host, HT_CONFIG_1);
  self->io = host->service(host, HT_MODEL_IO_1);
  self->memory = host->service(host, HT_MEMORY_1);
  self->header = *(const int64_t *)args[0].data; /* in the order of `params`, checked by the host */
  *instance = self;
  return HT_OK;
}

static void destroy(void *instance) {
  free(instance);
}

/* Text that grows in the context's memory, which the host frees when write() returns: nothing to free on any way out.
 */
typedef struct text {
  char *data;
  uint64_t size, room;
} text;

static ht_status append(const exporter *self, ht_ctx *ctx, text *to, const char *data, uint64_t size) {
  if (to->room - to->size < size) {
    const uint64_t room = 2 * (to->size + size);
    char *grown = self->memory->allocate(ctx, room, 1);
    if (grown == NULL) return HT_RESOURCE_EXHAUSTED;
    if (to->size > 0) memcpy(grown, to->data, (size_t)to->size);
    to->data = grown;
    to->room = room;
  }
  memcpy(to->data + to->size, data, (size_t)size);
  to->size += size;
  return HT_OK;
}

/* The lines of one slot. */
static ht_status add_slot(const exporter *self, ht_ctx *ctx, const ht_str *node, const char *direction, uint64_t slot,
                          ht_handle config, text *to) {
  ht_quantizer quantizer = {.struct_size = sizeof quantizer};
  char line[120];
  if (config == HT_NONE) return HT_OK;
  /* 1: parameters whose stored values are quantized already have their quantizer here, too. */
  ht_status status = self->configs->quantizer(ctx, config, 1, &quantizer);
  if (status == HT_NOT_FOUND) return HT_OK; /* in float, or covered by another slot */
  for (uint64_t i = 0; status == HT_OK && i < quantizer.count; ++i) {
    const int size = snprintf(line, sizeof line, ",%s%" PRIu64 ",%" PRIu64 ",%.9g,%" PRId32 "\n", direction, slot, i,
                              (double)quantizer.scales[i], quantizer.zero_points[i]);
    status = append(self, ctx, to, node->data, node->size);
    if (status == HT_OK) status = append(self, ctx, to, line, (uint64_t)size);
  }
  return status;
}

static ht_status add_node(const exporter *self, ht_ctx *ctx, ht_handle node, text *to) {
  ht_node_info info = {.struct_size = sizeof info};
  ht_handles inputs, outputs;
  ht_status status = self->graph->node_infos(ctx, &node, 1, &info);
  if (status == HT_OK) status = self->configs->of_node(ctx, node, &inputs, &outputs);
  for (uint64_t i = 0; status == HT_OK && i < inputs.size; ++i) {
    status = add_slot(self, ctx, &info.name, "input", i, inputs.data[i], to);
  }
  for (uint64_t i = 0; status == HT_OK && i < outputs.size; ++i) {
    status = add_slot(self, ctx, &info.name, "output", i, outputs.data[i], to);
  }
  return status;
}

/* The model is a copy that an exporter may edit (with HT_CAP_GRAPH_EDIT); nothing appears under `path` before the whole
 * run has succeeded. */
static ht_status write_table(void *instance, ht_ctx *ctx, const ht_str *path) {
  static const char header[] = "operator,slot,index,scale,zero_point\n";
  const exporter *self = instance;
  text table = {NULL, 0, 0};
  ht_handles graphs, nodes;
  ht_status status = self->header ? append(self, ctx, &table, header, sizeof header - 1) : HT_OK;
  if (status == HT_OK) status = self->graph->graphs(ctx, &graphs);
  for (uint64_t g = 0; status == HT_OK && g < graphs.size; ++g) {
    status = self->graph->nodes(ctx, graphs.data[g], &nodes);
    for (uint64_t n = 0; status == HT_OK && n < nodes.size; ++n) {
      status = add_node(self, ctx, nodes.data[n], &table);
    }
  }
  return status == HT_OK ? self->io->write_file(ctx, path, table.data, table.size) : status;
}

/* From here on it is data, which the host reads before it runs anything: `halftone help exporter template-name` prints
 * it. */
static const int64_t yes = 1;
static const ht_param params[] = {{.struct_size = sizeof(ht_param),
                                   .kind = HT_VALUE_FLAG,
                                   .name = "header",
                                   .doc = "Begins with a line of column names.",
                                   .deflt = {HT_VALUE_FLAG, 1, &yes, {0, 0}}}};
static const ht_exporter table = {.struct_size = sizeof(ht_exporter), .extension = ".csv", .write = write_table};
static const ht_role role = {sizeof(ht_role), 0, HT_EXPORTER_1, &table};
static const ht_role *const roles[] = {&role};
static const char *const needs[] = {HT_GRAPH_1, HT_CONFIG_1, HT_MODEL_IO_1, HT_MEMORY_1};
static const ht_component component = {
    .struct_size = sizeof(ht_component),
    .kind = HT_KIND_EXPORTER,
    .determinism = HT_DETERMINISM_EXACT,
    .threading = HT_THREADING_INSTANCE,
    .capabilities = HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_FILE_WRITE,
    .id = "template-name",
    .version = "0.1.0",
    .title = "a table of scales and zero points",
    .doc = "One line for each scale: operator, slot, index of the channel or block, scale, zero point.",
    .params = params,
    .param_count = 1,
    .needs = needs,
    .need_count = 4,
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
