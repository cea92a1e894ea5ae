/* An executor that runs a model in float, one operator after the other, each by the kernel that a loaded plug-in has
 * for it. It shows what every executor does: read the model when a session is opened, then run samples from several
 * threads at once. From here, replace kernels by your own. */
#include <halftone/halftone.h>
#include <stdlib.h>
#include <string.h>

typedef struct executor {
  const ht_host *host;
  const ht_graph *graph; /* tables of services live as long as the process */
  const ht_op_kernel_lookup *kernels;
  const ht_memory *memory;
} executor;

typedef struct step {
  const ht_op_kernel *kernel;
  void *state;       /* what the kernel made of the node's attributes */
  uint64_t *inputs;  /* numbers of values; NO_VALUE where an optional slot is empty */
  uint64_t *outputs; /* in the same block of memory */
  uint64_t input_count, output_count;
} step;
#define NO_VALUE UINT64_MAX

/* A value has a number: its place in `values`. Handles stay good as names, views into the model do not outlive open(),
 * so that weights are held. */
typedef struct session {
  const executor *owner;
  ht_handle *values;
  ht_tensor_view *constants; /* by number; dtype HT_DTYPE_NONE where the value is no weight */
  void **holds;              /* by number; NULL where nothing is held */
  uint64_t value_count;
  step *steps;
  uint64_t step_count;
  uint64_t *inputs, *emits; /* numbers */
  uint64_t input_count, emit_count;
} session;

static ht_status fail(const executor *self, ht_ctx *ctx, ht_status status, const char *text) {
  const ht_str words = {text, strlen(text)};
  return self->host->fail(ctx, status, &words, HT_NONE);
}

static ht_status create(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t count, void **instance) {
  executor *self = malloc(sizeof *self);
  (void)ctx, (void)args, (void)count;
  if (self == NULL) return HT_RESOURCE_EXHAUSTED;
  self->host = host; /* lives as long as the instance */
  self->graph = host->service(host, HT_GRAPH_1);
  self->kernels = host->service(host, HT_OP_KERNEL_1);
  self->memory = host->service(host, HT_MEMORY_1);
  *instance = self;
  return HT_OK;
}

static void destroy(void *instance) {
  free(instance);
}

/* Asked for each node before any data is read: what cannot run is said here. find() records the operator's name. */
static ht_status supports(void *instance, ht_ctx *ctx, ht_handle node, uint32_t mode) {
  const executor *self = instance;
  const ht_op_kernel *kernel;
  void *state;
  if (mode != HT_MODE_FLOAT) return fail(self, ctx, HT_UNIMPLEMENTED, "template-name runs in float only");
  ht_status status = self->kernels->find(ctx, node, &kernel);
  if (status == HT_OK) status = kernel->prepare(self->host, ctx, node, &state);
  if (status == HT_OK) kernel->release(state);
  return status;
}

static void close_session(void *opened) {
  session *self = opened;
  if (self == NULL) return;
  for (uint64_t i = 0; i < self->step_count; ++i) {
    if (self->steps[i].state != NULL) self->steps[i].kernel->release(self->steps[i].state);
    free(self->steps[i].inputs);
  }
  for (uint64_t i = 0; self->holds != NULL && i < self->value_count; ++i) self->owner->graph->release(self->holds[i]);
  free(self->values);
  free(self->constants);
  free(self->holds);
  free(self->steps);
  free(self->inputs);
  free(self->emits);
  free(self);
}

/* The number of a value, a new one where it has none yet; NO_VALUE for HT_NONE. There is room for all. */
static uint64_t number_of(session *self, ht_handle value) {
  if (value == HT_NONE) return NO_VALUE;
  for (uint64_t i = 0; i < self->value_count; ++i) {
    if (self->values[i] == value) return i;
  }
  self->values[self->value_count] = value;
  return self->value_count++;
}

static uint64_t *numbers_of(session *self, const ht_handles *values) {
  uint64_t *numbers = malloc((size_t)(values->size + 1) * sizeof *numbers);
  for (uint64_t i = 0; numbers != NULL && i < values->size; ++i) numbers[i] = number_of(self, values->data[i]);
  return numbers;
}

/* Whether the step has to run for a value that is wanted; its inputs are wanted then, too. */
static int want(unsigned char *wanted, const step *one) {
  int any = 0;
  for (uint64_t i = 0; i < one->output_count; ++i) any |= one->outputs[i] != NO_VALUE && wanted[one->outputs[i]] == 1;
  for (uint64_t i = 0; any && i < one->input_count; ++i) {
    if (one->inputs[i] != NO_VALUE && wanted[one->inputs[i]] == 0) wanted[one->inputs[i]] = 1;
  }
  return any;
}

static ht_status add_step(session *self, ht_ctx *ctx, ht_handle node) {
  ht_node_info info = {.struct_size = sizeof info};
  step *one = &self->steps[self->step_count];
  ht_status status = self->owner->graph->node_infos(ctx, &node, 1, &info);
  if (status != HT_OK) return status;
  one->input_count = info.inputs.size;
  one->output_count = info.outputs.size;
  one->inputs = malloc((size_t)(info.inputs.size + info.outputs.size + 1) * sizeof *one->inputs);
  if (one->inputs == NULL) return HT_RESOURCE_EXHAUSTED;
  self->step_count += 1;
  one->outputs = one->inputs + info.inputs.size;
  for (uint64_t i = 0; i < info.inputs.size; ++i) one->inputs[i] = number_of(self, info.inputs.data[i]);
  for (uint64_t i = 0; i < info.outputs.size; ++i) one->outputs[i] = number_of(self, info.outputs.data[i]);
  return HT_OK;
}

/* Backwards, so that only what the emitted values depend on is prepared and run: other steps keep kernel NULL. */
static ht_status prepare_steps(session *self, ht_ctx *ctx, const ht_handles *nodes, unsigned char *wanted) {
  ht_status status = HT_OK;
  for (uint64_t i = 0; i < self->emit_count; ++i) wanted[self->emits[i]] = 1;
  for (uint64_t i = 0; i < self->input_count; ++i) wanted[self->inputs[i]] = 2; /* fed, so nobody has to make it */
  for (uint64_t i = self->step_count; status == HT_OK && i-- > 0;) {
    const ht_op_kernel *kernel;
    if (!want(wanted, &self->steps[i])) continue;
    status = self->owner->kernels->find(ctx, nodes->data[i], &kernel);
    if (status == HT_OK) status = kernel->prepare(self->owner->host, ctx, nodes->data[i], &self->steps[i].state);
    if (status == HT_OK) self->steps[i].kernel = kernel;
  }
  for (uint64_t i = 0; status == HT_OK && i < self->value_count; ++i) {
    ht_tensor_view tensor = {.struct_size = sizeof tensor};
    if (wanted[i] != 1) continue;
    status = self->owner->graph->hold_initializer(ctx, self->values[i], &tensor, &self->holds[i]);
    if (status == HT_OK) self->constants[i] = tensor;
    if (status == HT_NOT_FOUND) status = HT_OK; /* an activation */
  }
  return status;
}

static ht_status fill(session *self, ht_ctx *ctx, const ht_session_options *options) {
  const ht_graph *graph = self->owner->graph;
  ht_handle main_graph;
  ht_handles nodes, values;
  ht_status status = graph->main_graph(ctx, &main_graph);
  if (status == HT_OK) status = graph->nodes(ctx, main_graph, &nodes);
  if (status == HT_OK) status = graph->values(ctx, main_graph, &values);
  if (status != HT_OK) return status;
  const uint64_t room = values.size + options->inputs.size + options->emits.size + 1;
  self->steps = calloc((size_t)nodes.size + 1, sizeof *self->steps);
  self->values = calloc((size_t)room, sizeof *self->values);
  self->constants = calloc((size_t)room, sizeof *self->constants);
  self->holds = calloc((size_t)room, sizeof *self->holds);
  unsigned char *wanted = calloc((size_t)room, 1);
  if (self->steps != NULL && self->values != NULL) {
    self->inputs = numbers_of(self, &options->inputs);
    self->emits = numbers_of(self, &options->emits);
    self->input_count = options->inputs.size;
    self->emit_count = options->emits.size;
  }
  if (self->inputs == NULL || self->emits == NULL || self->constants == NULL || self->holds == NULL || wanted == NULL) {
    free(wanted);
    return HT_RESOURCE_EXHAUSTED;
  }
  for (uint64_t i = 0; status == HT_OK && i < nodes.size; ++i) status = add_step(self, ctx, nodes.data[i]);
  if (status == HT_OK) status = prepare_steps(self, ctx, &nodes, wanted);
  free(wanted);
  return status;
}

static ht_status open_session(void *instance, ht_ctx *ctx, const ht_session_options *options, void **opened) {
  const executor *owner = instance;
  if (options->mode != HT_MODE_FLOAT || options->quantized_weights != 0) {
    return fail(owner, ctx, HT_UNIMPLEMENTED, "template-name runs in float only, with weights as they are stored");
  }
  session *self = calloc(1, sizeof *self);
  if (self == NULL) return HT_RESOURCE_EXHAUSTED;
  self->owner = owner;
  const ht_status status = fill(self, ctx, options);
  if (status == HT_OK) {
    *opened = self;
  } else {
    close_session(self);
  }
  return status;
}

/* Bytes of one element, rounded up for types below a byte. */
static uint64_t bytes_of(ht_dtype dtype) {
  static const unsigned char bytes[] = {0, 4, 8, 2, 2, 1, 1, 2, 2, 4, 4, 8, 8, 1, 1, 1, 1, 1, 8, 16, 0, 1, 1};
  return dtype < sizeof bytes ? bytes[dtype] : 0;
}

/* Computes one step into memory of the context, which the host frees after the sample. */
static ht_status compute(const session *self, ht_ctx *ctx, const step *one, ht_tensor_view *values) {
  const ht_memory *memory = self->owner->memory;
  const uint64_t slots = one->input_count + one->output_count + 1;
  ht_tensor_view *views = memory->allocate(ctx, slots * sizeof *views, 64);
  ht_tensor_info *types = memory->allocate(ctx, (one->output_count + 1) * sizeof *types, 64);
  if (views == NULL || types == NULL) return HT_RESOURCE_EXHAUSTED;
  ht_tensor_view *outputs = views + one->input_count;
  memset(views, 0, (size_t)(slots * sizeof *views));
  memset(types, 0, (size_t)(one->output_count * sizeof *types));
  for (uint64_t i = 0; i < slots; ++i) views[i].struct_size = sizeof *views;
  for (uint64_t i = 0; i < one->input_count; ++i) {
    if (one->inputs[i] != NO_VALUE) views[i] = values[one->inputs[i]];
  }
  for (uint64_t i = 0; i < one->output_count; ++i) types[i].struct_size = sizeof *types;
  ht_status status = one->kernel->infer(one->state, ctx, views, one->input_count, types, one->output_count);
  for (uint64_t i = 0; status == HT_OK && i < one->output_count; ++i) {
    uint64_t bytes = bytes_of(types[i].dtype);
    for (uint32_t axis = 0; axis < types[i].rank; ++axis) bytes *= (uint64_t)types[i].shape[axis];
    outputs[i].dtype = types[i].dtype;
    outputs[i].rank = types[i].rank;
    outputs[i].shape = types[i].shape;
    outputs[i].data = memory->allocate(ctx, bytes + 1, 64);
    if (outputs[i].data == NULL) status = HT_RESOURCE_EXHAUSTED;
  }
  if (status == HT_OK) status = one->kernel->run(one->state, ctx, views, one->input_count, outputs, one->output_count);
  for (uint64_t i = 0; status == HT_OK && i < one->output_count; ++i) {
    if (one->outputs[i] != NO_VALUE) values[one->outputs[i]] = outputs[i];
  }
  return status;
}

/* Called from several threads at once: what changes is in the context's memory. */
static ht_status run(void *opened, ht_ctx *ctx, uint32_t worker, const ht_tensor_view *inputs, uint64_t count,
                     ht_emit emit, void *user) {
  const session *self = opened;
  const uint64_t bytes = (self->value_count + 1) * sizeof(ht_tensor_view);
  ht_tensor_view *values = self->owner->memory->allocate(ctx, bytes, 64);
  ht_status status = HT_OK;
  (void)worker;
  if (values == NULL) return HT_RESOURCE_EXHAUSTED;
  memcpy(values, self->constants, (size_t)(self->value_count * sizeof *values));
  for (uint64_t i = 0; i < count; ++i) values[self->inputs[i]] = inputs[i];
  for (uint64_t i = 0; status == HT_OK && i < self->step_count; ++i) {
    if (self->steps[i].kernel != NULL) status = compute(self, ctx, &self->steps[i], values);
  }
  for (uint64_t i = 0; status == HT_OK && i < self->emit_count; ++i) {
    status = emit(user, self->values[self->emits[i]], &values[self->emits[i]]);
  }
  return status;
}

/* From here on it is data, which the host reads before it runs anything: `halftone help executor template-name` prints
 * it. */
static const ht_executor table = {.struct_size = sizeof(ht_executor),
                                  .modes = 1u << HT_MODE_FLOAT, /* enough to calibrate with */
                                  .supports = supports,
                                  .open = open_session,
                                  .run = run,
                                  .close = close_session};
static const ht_role role = {sizeof(ht_role), 0, HT_EXECUTOR_1, &table};
static const ht_role *const roles[] = {&role};
static const char *const needs[] = {HT_GRAPH_1, HT_OP_KERNEL_1, HT_MEMORY_1};
static const ht_component component = {
    .struct_size = sizeof(ht_component),
    .kind = HT_KIND_EXECUTOR,
    .determinism = HT_DETERMINISM_EXACT,
    .threading = HT_THREADING_FREE,
    .capabilities = HT_CAP_GRAPH_READ | HT_CAP_EXECUTE,
    .id = "template-name",
    .version = "0.1.0",
    .title = "one operator after the other, in float",
    .doc = "Runs every operator by the kernel of the plug-in that has one. Bodies of control flow are not run.",
    .needs = needs,
    .need_count = 3,
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
