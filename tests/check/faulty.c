/* A pass in plain C with one fault, which FAULT names: what `halftone check-plugin` has to find. */
#define _GNU_SOURCE
#include <fenv.h>
#include <halftone/halftone.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NONE 0
#define CRASH 1      /* while it runs */
#define HANG 2       /* while it runs */
#define EXIT 3       /* ends the process with success */
#define LEAK 4       /* an instance's memory */
#define RUN_LEAK 5   /* a call's memory */
#define FILE_LEAK 6  /* an open file for each instance */
#define ROUND 7      /* changes the rounding mode */
#define FOLDER 8     /* changes the working folder */
#define SIGNALS 9    /* takes a signal */
#define RANDOM 10    /* other results each time */
#define CUT 11       /* leaves a graph with an end that nothing produces */
#define SILENT 12    /* refuses a value without a word */
#define BORDER 13    /* dies of the largest value */
#define NO_CANCEL 14 /* goes on when it is cancelled */
#define NO_DOC 15    /* says nothing about its parameter */
#define THREAD 16    /* leaves a thread running */
#define SHOW 17      /* exports a second symbol; linked without the version script */
#define BAD_SIZE 18  /* a struct with a tail */
#define PRINT 19     /* prints */
#define UNSAFE 20    /* instances cannot be made by two threads at once */
#define SHARED 21    /* instances write to one variable */

#if FAULT == SHARED
static int shared_level;
#endif

typedef struct instance {
  const ht_graph *graph;
  const ht_graph_edit *edit;
  const ht_report *report;
  const ht_progress *progress;
  char *own;
} instance;

static void *wait_for_ever(void *unused) {
  (void)unused;
  for (;;) pause();
  return NULL;
}

static ht_status create(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t count, void **out) {
  const int64_t level = *(const int64_t *)args[0].data;
  instance *self;
  (void)ctx, (void)count, (void)wait_for_ever;
  if (FAULT == SILENT && level == 10) return HT_INVALID_ARGUMENT;
  if (FAULT == BORDER && level == 10) abort();
  if (FAULT == FILE_LEAK && dup(0) < 0) return HT_RESOURCE_EXHAUSTED;
#if FAULT == THREAD
  pthread_t thread;
  pthread_create(&thread, NULL, wait_for_ever, NULL);
#endif
#if FAULT == UNSAFE
  static int inside;
  if (__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST) > 1) abort(); /* another thread is here */
  usleep(200);
  __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
#endif
  self = calloc(1, sizeof *self);
  self->own = malloc(100);
  self->graph = host->service(host, HT_GRAPH_1);
  self->edit = host->service(host, HT_GRAPH_EDIT_1);
  self->report = host->service(host, HT_REPORT_1);
  self->progress = host->service(host, HT_PROGRESS_1);
  *out = self;
  return HT_OK;
}

static void destroy(void *made) {
  instance *self = made;
  if (FAULT != LEAK) free(self->own);
  free(self);
}

/* Takes away the first node that others read from. */
static ht_status cut_graph(const instance *self, ht_ctx *ctx) {
  ht_handle graph;
  ht_handles nodes;
  ht_status status = self->graph->main_graph(ctx, &graph);
  if (status == HT_OK) status = self->graph->nodes(ctx, graph, &nodes);
  return status == HT_OK && nodes.size > 0 ? self->edit->remove_node(ctx, nodes.data[0]) : status;
}

static ht_status run(void *made, ht_ctx *ctx) {
  const instance *self = made;
  static const ht_str key = {"number", 6};
  static unsigned number;
  char text[16];
  ht_str row = {text, 1};
  strcpy(text, "1");
  if (FAULT == CRASH) raise(SIGSEGV);
  if (FAULT == EXIT) exit(0);
  if (FAULT == HANG) wait_for_ever(NULL);
  if (FAULT == RUN_LEAK && malloc(100) == NULL) return HT_RESOURCE_EXHAUSTED;
  if (FAULT == ROUND) fesetround(FE_UPWARD);
  if (FAULT == FOLDER && chdir("/") != 0) return HT_OK;
  if (FAULT == SIGNALS) signal(SIGINT, SIG_IGN);
  if (FAULT == PRINT) puts("working hard");
  if (FAULT == RANDOM) row.size = (uint64_t)snprintf(text, sizeof text, "%u", ++number);
#if FAULT == SHARED
  shared_level += 1;
  usleep(20000);
  row.size = (uint64_t)snprintf(text, sizeof text, "%d", shared_level);
  shared_level -= 1;
#endif
  if (FAULT == CUT) return cut_graph(self, ctx);
  const ht_status polled = self->progress->poll(ctx, 0, 1);
  if (polled != HT_OK && FAULT != NO_CANCEL) return polled;
  self->report->row(ctx, &key, &row);
  return HT_OK;
}

static const int64_t one = 1, ten = 10;
static const ht_param params[] = {{.struct_size = sizeof(ht_param),
                                   .kind = HT_VALUE_I64,
                                   .name = "level",
                                   .doc = FAULT == NO_DOC ? "" : "How much.",
                                   .deflt = {HT_VALUE_I64, 1, &one, {0, 0}},
                                   .low = {HT_VALUE_I64, 1, &one, {0, 0}},
                                   .high = {HT_VALUE_I64, 1, &ten, {0, 0}}}};
static const ht_pass table = {FAULT == BAD_SIZE ? sizeof(ht_pass) + 4 : sizeof(ht_pass), 0, run};
static const ht_role role = {sizeof(ht_role), 0, HT_PASS_1, &table};
static const ht_role *const roles[] = {&role};
static const ht_component component = {.struct_size = sizeof(ht_component),
                                       .kind = HT_KIND_PASS,
                                       .determinism = HT_DETERMINISM_EXACT,
                                       .threading = HT_THREADING_INSTANCE,
                                       .capabilities = HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT,
                                       .id = "faulty",
                                       .version = "1.0",
                                       .title = "a pass with a fault",
                                       .doc = "Does nothing but what is wrong.",
                                       .params = params,
                                       .param_count = 1,
                                       .roles = roles,
                                       .role_count = 1,
                                       .create = create,
                                       .destroy = destroy};
static const ht_component *const components[] = {&component};
const ht_plugin ht_plugin_entry = {.struct_size = sizeof(ht_plugin),
                                   .abi_major = HT_ABI_MAJOR,
                                   .abi_minor = HT_ABI_MINOR,
                                   .needs_host_minor = HT_ABI_MINOR,
                                   .id = "com.example.faulty",
                                   .version = "1.0",
                                   .license = "Apache-2.0",
                                   .build = "",
                                   .components = components,
                                   .component_count = 1};

#if FAULT == SHOW
__attribute__((visibility("default"))) int shown_to_all(void);
int shown_to_all(void) {
  return 42;
}
#endif
