/* A platform with code: the descriptor's text, and a condition that the descriptor has no words for. */
#include <halftone/halftone.h>
#include <stdlib.h>
#include <string.h>

#include "descriptor_text.h"

#define CHANNELS_AT_A_TIME 4

/* The instance is the service that refine() uses: tables of services live as long as the process. */
static ht_status create(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t count, void **instance) {
  const ht_graph **graph = malloc(sizeof *graph);
  (void)ctx, (void)args, (void)count;
  if (graph == NULL) return HT_RESOURCE_EXHAUSTED;
  *graph = host->service(host, HT_GRAPH_1);
  *instance = graph;
  return HT_OK;
}

static void destroy(void *instance) {
  free(instance);
}

/* Asked for every node, with the rule that the descriptor gives it: keep it short, and the same for the same node. */
static ht_status refine(void *instance, ht_ctx *ctx, ht_handle node, ht_node_rule *rule, ht_slot_rule *inputs,
                        ht_slot_rule *outputs) {
  static const ht_str conv = {"Conv", 4}, reason = {"the device computes four channels at a time", 43};
  const ht_graph *graph = *(const ht_graph **)instance;
  ht_node_info info = {.struct_size = sizeof info};
  ht_tensor_view weight = {.struct_size = sizeof weight};
  (void)inputs, (void)outputs;
  if (!rule->quantized) return HT_OK;
  ht_status status = graph->node_infos(ctx, &node, 1, &info);
  if (status != HT_OK) return status;
  const int is_conv = info.domain.size == 0 && info.op_type.size == conv.size &&
                      memcmp(info.op_type.data, conv.data, (size_t)conv.size) == 0;
  if (!is_conv || info.inputs.size < 2) return HT_OK;
  status = graph->initializer(ctx, info.inputs.data[1], &weight);
  if (status != HT_OK && status != HT_NOT_FOUND) return status;
  if (status == HT_OK && weight.shape[0] % CHANNELS_AT_A_TIME == 0) return HT_OK;
  rule->quantized = 0;
  rule->reason = reason;
  return HT_OK;
}

/* From here on it is data, which the host reads before it runs anything. The id must be the descriptor's. */
static const ht_platform table = {sizeof(ht_platform), 0, descriptor_text, refine};
static const ht_role role = {sizeof(ht_role), 0, HT_PLATFORM_1, &table};
static const ht_role *const roles[] = {&role};
static const char *const needs[] = {HT_GRAPH_1};
static const ht_component component = {.struct_size = sizeof(ht_component),
                                       .kind = HT_KIND_PLATFORM,
                                       .determinism = HT_DETERMINISM_EXACT,
                                       .threading = HT_THREADING_INSTANCE,
                                       .capabilities = HT_CAP_GRAPH_READ,
                                       .id = "template-name",
                                       .version = "0.1.0",
                                       .title = "a device with 8-bit integers",
                                       .doc = "Convolutions run on it where their channels fill its unit.",
                                       .needs = needs,
                                       .need_count = 1,
                                       .roles = roles,
                                       .role_count = 1,
                                       .create = create,
                                       .destroy = destroy};
static const ht_component *const components[] = {&component};
const ht_plugin ht_plugin_entry = {.struct_size = sizeof(ht_plugin),
                                   .abi_major = HT_ABI_MAJOR,
                                   .abi_minor = HT_ABI_MINOR,
                                   .needs_host_minor = HT_ABI_MINOR,
                                   .id = "com.example.template-name",
                                   .version = "0.1.0",
                                   .license = "Apache-2.0",
                                   .build = "",
                                   .components = components,
                                   .component_count = 1};
