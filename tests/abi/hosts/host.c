/* A host that is not Halftone: it knows the headers and nothing else. Compiled as C11, where an exception that crosses
 * the boundary ends the process, and as C++20.
 *
 *   abi_c_host PLUGIN [same | first | later]
 *
 * Loads the plug-in, creates its first pass with the defaults of its parameters, and runs it on a model of five nodes
 * in two graphs. `first`: the tables are as large as in the first release of this major version; `later`: larger than
 * these headers know. In all cases they end where the next page is forbidden, so that whoever reads past the end of a
 * table ends the process. Prints the rows that the pass reports, or "failed STATUS: TEXT". */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "first_sizes.h" /* FIRST_ht_graph ...: made from sdk/abi/released */
#include "halftone/halftone.h"

struct ht_ctx {
  ht_status failed;
  char text[256];
};

static ht_status refuse(ht_ctx *ctx, ht_status status, const char *text) {
  ctx->failed = status;
  snprintf(ctx->text, sizeof ctx->text, "%s", text);
  return status;
}

/* -- The model: graph 1 has the nodes 11, 12, 13, graph 2 has 21 and 22 -- */

static const ht_handle all_graphs[] = {1, 2}, first_nodes[] = {11, 12, 13}, second_nodes[] = {21, 22};

static ht_status HT_CALL main_graph(ht_ctx *ctx, ht_handle *graph) {
  (void)ctx;
  *graph = 1;
  return HT_OK;
}
static ht_status HT_CALL graphs(ht_ctx *ctx, ht_handles *out) {
  (void)ctx;
  out->data = all_graphs;
  out->size = 2;
  return HT_OK;
}
static ht_status HT_CALL nodes(ht_ctx *ctx, ht_handle graph, ht_handles *out) {
  if (graph != 1 && graph != 2) return refuse(ctx, HT_NOT_FOUND, "no such graph");
  out->data = graph == 1 ? first_nodes : second_nodes;
  out->size = graph == 1 ? 3 : 2;
  return HT_OK;
}
static ht_status HT_CALL of_graph(ht_ctx *ctx, ht_handle graph, ht_handles *out) {
  (void)graph, (void)out;
  return refuse(ctx, HT_UNIMPLEMENTED, "this host has no values");
}
/* Writes as much as the caller's struct holds. */
static ht_status HT_CALL node_infos(ht_ctx *ctx, const ht_handle *list, uint64_t count, ht_node_info *infos) {
  (void)ctx;
  const uint32_t size = count > 0 ? infos->struct_size : 0;
  for (uint64_t i = 0; i < count; ++i) {
    ht_node_info info;
    memset(&info, 0, sizeof info);
    info.struct_size = size;
    info.graph = list[i] / 10;
    info.op_type.data = list[i] % 10 == 1 ? "Conv" : "Relu";
    info.op_type.size = 4;
    memcpy((char *)infos + i * size, &info, size < sizeof info ? size : sizeof info);
  }
  return HT_OK;
}
static ht_status HT_CALL value_infos(ht_ctx *ctx, const ht_handle *list, uint64_t count, ht_value_info *infos) {
  (void)list, (void)count, (void)infos;
  return refuse(ctx, HT_UNIMPLEMENTED, "this host has no values");
}
static ht_status HT_CALL consumers(ht_ctx *ctx, ht_handle value, ht_uses *uses) {
  (void)value, (void)uses;
  return refuse(ctx, HT_UNIMPLEMENTED, "this host has no values");
}
static ht_status HT_CALL attribute(ht_ctx *ctx, ht_handle node, const ht_str *name, ht_attr *attr) {
  (void)ctx, (void)node, (void)name, (void)attr;
  return HT_NOT_FOUND;
}
static ht_status HT_CALL initializer(ht_ctx *ctx, ht_handle value, ht_tensor_view *tensor) {
  (void)ctx, (void)value, (void)tensor;
  return HT_NOT_FOUND;
}
static ht_status HT_CALL find(ht_ctx *ctx, ht_handle graph, const ht_str *name, ht_handle *found) {
  (void)graph, (void)name, (void)found;
  return refuse(ctx, HT_NOT_FOUND, "no such name");
}
static ht_status HT_CALL opset(ht_ctx *ctx, const ht_str *domain, int64_t *version) {
  (void)ctx, (void)domain;
  *version = 13;
  return HT_OK;
}
static ht_status HT_CALL revision(ht_ctx *ctx, uint64_t *count) {
  (void)ctx;
  *count = 0;
  return HT_OK;
}
static ht_status HT_CALL metadata(ht_ctx *ctx, const ht_str *key, ht_str *text) {
  (void)ctx, (void)key, (void)text;
  return HT_NOT_FOUND;
}
static ht_status HT_CALL hold(ht_ctx *ctx, ht_handle value, ht_tensor_view *tensor, void **held) {
  (void)held;
  return initializer(ctx, value, tensor);
}
static void HT_CALL ignore(void *held) {
  (void)held;
}
static const ht_graph graph_table = {
    sizeof(ht_graph), 0,           main_graph, graphs,    nodes,       of_graph, of_graph, of_graph,
    node_infos,       value_infos, consumers,  attribute, initializer, find,     find,     opset,
    revision,         metadata,    hold,       ignore,    ignore};

/* -- Reports, memory, progress -- */

static void HT_CALL row(ht_ctx *ctx, const ht_str *key, const ht_str *text) {
  (void)ctx;
  printf("%.*s: %.*s\n", (int)key->size, key->data, (int)text->size, text->data);
}
static ht_status HT_CALL float_reason(ht_ctx *ctx, ht_handle node, const ht_str *text) {
  (void)ctx, (void)node, (void)text;
  return HT_OK;
}
static const ht_report report_table = {sizeof(ht_report), 0, row, float_reason};

static void *HT_CALL allocate(ht_ctx *ctx, uint64_t bytes, uint64_t alignment) {
  (void)ctx;
  return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment); /* the process is short */
}
static const ht_memory memory_table = {sizeof(ht_memory), 0, allocate};

static ht_status HT_CALL poll(ht_ctx *ctx, uint64_t done, uint64_t total) {
  (void)ctx, (void)done, (void)total;
  return HT_OK;
}
static const ht_progress progress_table = {sizeof(ht_progress), 0, poll};

/* -- The host -- */

enum size_of_tables { SAME, FIRST, LATER };
static enum size_of_tables tables = SAME;

/* A copy that ends where a forbidden page begins. What a later version adds is filled with rubbish. */
static void *at_the_edge(const void *table, size_t size, size_t first) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t shown = tables == FIRST ? first : tables == LATER ? size + 64 : size;
  char *pages = (char *)mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == (char *)MAP_FAILED || shown > page) exit(2);
  char *copy = pages + page - shown;
  memset(copy, 0xA5, shown);
  memcpy(copy, table, size < shown ? size : shown);
  const uint32_t told = (uint32_t)shown;
  memcpy(copy, &told, sizeof told);
  if (mprotect(pages + page, page, PROT_NONE) != 0) exit(2);
  return copy;
}
#define EDGE(table, type) at_the_edge(&(table), sizeof(type), FIRST_##type)

static const void *HT_CALL service(const ht_host *host, const char *id) {
  (void)host;
  if (strcmp(id, HT_GRAPH_1) == 0) return EDGE(graph_table, ht_graph);
  if (strcmp(id, HT_REPORT_1) == 0) return EDGE(report_table, ht_report);
  if (strcmp(id, HT_MEMORY_1) == 0) return EDGE(memory_table, ht_memory);
  if (strcmp(id, HT_PROGRESS_1) == 0) return EDGE(progress_table, ht_progress);
  return NULL;
}
static void HT_CALL log_line(ht_ctx *ctx, uint32_t level, const ht_str *text) {
  (void)ctx;
  printf("log %u: %.*s\n", (unsigned)level, (int)text->size, text->data);
}
static ht_status HT_CALL fail(ht_ctx *ctx, ht_status status, const ht_str *text, ht_handle subject) {
  (void)subject;
  ctx->failed = status;
  snprintf(ctx->text, sizeof ctx->text, "%.*s", (int)text->size, text->data);
  return status;
}
static const ht_host host_table = {sizeof(ht_host), HT_ABI_MAJOR, HT_ABI_MINOR, 0,   "a host of the tests",
                                   "1.0",           service,      log_line,     fail};

/* -- The plug-in -- */

static const ht_component *first_pass(const ht_plugin *plugin, const ht_pass **role) {
  for (uint64_t i = 0; i < plugin->component_count; ++i) {
    const ht_component *component = plugin->components[i];
    for (uint64_t r = 0; component->kind == HT_KIND_PASS && r < component->role_count; ++r) {
      *role = (const ht_pass *)component->roles[r]->table;
      if (strcmp(component->roles[r]->id, HT_PASS_1) == 0) return component;
    }
  }
  fprintf(stderr, "no pass\n");
  exit(2);
}

static ht_status run_pass(const ht_component *component, const ht_pass *role, ht_ctx *ctx) {
  ht_value values[16];
  if (component->param_count > 16) exit(2);
  for (uint64_t i = 0; i < component->param_count; ++i) {
    values[i] = ((const ht_param *)((const char *)component->params + i * component->params->struct_size))->deflt;
  }
  void *instance = NULL;
  const ht_host *host = (const ht_host *)EDGE(host_table, ht_host);
  ht_status status = component->create(host, ctx, values, component->param_count, &instance);
  if (status != HT_OK) return status;
  status = role->run(instance, ctx);
  component->destroy(instance);
  return status;
}

int main(int argc, char **argv) {
  if (argc < 2 || argc > 3) {
    fprintf(stderr, "usage: %s PLUGIN [same | first | later]\n", argv[0]);
    return 2;
  }
  if (argc == 3) tables = strcmp(argv[2], "first") == 0 ? FIRST : strcmp(argv[2], "later") == 0 ? LATER : SAME;
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  const ht_plugin *plugin = library == NULL ? NULL : (const ht_plugin *)dlsym(library, "ht_plugin_entry");
  if (plugin == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  if (plugin->abi_major != HT_ABI_MAJOR || plugin->needs_host_minor > HT_ABI_MINOR) {
    fprintf(stderr, "built for ABI %u.%u\n", (unsigned)plugin->abi_major, (unsigned)plugin->abi_minor);
    return 2;
  }
  ht_ctx ctx;
  memset(&ctx, 0, sizeof ctx);
  const ht_pass *role = NULL;
  const ht_component *component = first_pass(plugin, &role);
  const ht_status status = run_pass(component, role, &ctx);
  if (status != HT_OK) printf("failed %d: %s\n", (int)status, ctx.text);
  return 0;
}
