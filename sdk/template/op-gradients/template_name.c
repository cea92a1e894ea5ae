/* A gradient for an operator that ONNX does not have, and its kernel: y = x where x is at least 0, slope * x elsewhere.
 * With both, models with the operator run and are trained. */
#include <halftone/halftone.h>
#include <stdlib.h>
#include <string.h>

/* One node, for its kernel or its gradient: attributes are read once, then samples come from several threads at once.
 */
typedef struct kernel {
  const ht_host *host;
  float slope;
} kernel;

static ht_status fail(const ht_host *host, ht_ctx *ctx, ht_status status, const char *text) {
  const ht_str words = {text, strlen(text)};
  return host->fail(ctx, status, &words, HT_NONE);
}

static ht_status prepare(const ht_host *host, ht_ctx *ctx, ht_handle node, void **state) {
  static const ht_str name = {"slope", 5};
  const ht_graph *graph = host->service(host, HT_GRAPH_1); /* not null: stated in `needs` and `capabilities` */
  ht_attr attribute = {.struct_size = sizeof attribute};
  const ht_status status = graph->attribute(ctx, node, &name, &attribute);
  if (status != HT_OK && status != HT_NOT_FOUND) return status;
  if (status == HT_OK && attribute.kind != HT_ATTR_FLOAT)
    return fail(host, ctx, HT_INVALID_ARGUMENT, "its attribute 'slope' is not a float");
  kernel *self = malloc(sizeof *self);
  if (self == NULL) return HT_RESOURCE_EXHAUSTED;
  self->host = host; /* lives as long as the state */
  self->slope = status == HT_OK ? (float)attribute.f : 0.01f;
  *state = self;
  return HT_OK;
}

static void release(void *state) {
  free(state);
}

/* The outputs' types from the inputs'. A model may give a node fewer or more slots than its operator has. */
static ht_status infer(const void *state, ht_ctx *ctx, const ht_tensor_view *inputs, uint64_t input_count,
                       ht_tensor_info *outputs, uint64_t output_count) {
  const kernel *self = state;
  if (input_count != 1 || output_count != 1)
    return fail(self->host, ctx, HT_INVALID_ARGUMENT, "SlopedRelu has one input and one output");
  if (inputs[0].dtype != HT_F32)
    return fail(self->host, ctx, HT_UNIMPLEMENTED, "the input of SlopedRelu is not float32");
  outputs[0].dtype = HT_F32;
  outputs[0].rank = inputs[0].rank;
  outputs[0].known_rank = 1;
  for (uint32_t axis = 0; axis < inputs[0].rank; ++axis) outputs[0].shape[axis] = inputs[0].shape[axis];
  return HT_OK;
}

/* Plain contiguous tensors; outputs are as infer() said and never lie where inputs lie. */
static ht_status run(const void *state, ht_ctx *ctx, const ht_tensor_view *inputs, uint64_t input_count,
                     ht_tensor_view *outputs, uint64_t output_count) {
  const kernel *self = state;
  const float *x = inputs[0].data;
  float *y = outputs[0].data;
  int64_t count = 1;
  (void)ctx, (void)input_count, (void)output_count;
  for (uint32_t axis = 0; axis < inputs[0].rank; ++axis) count *= inputs[0].shape[axis];
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] >= 0 ? x[i] : self->slope * x[i];
  return HT_OK;
}

/* The way back: dx = dy where x is at least 0, slope * dy elsewhere. Every element is written. What is written depends
 * on the arguments alone: sums, where there are any, go in a fixed order. */
static ht_status backward(const void *state, ht_ctx *ctx, const ht_tensor_view *inputs, uint64_t input_count,
                          const ht_tensor_view *outputs, uint64_t output_count, const ht_tensor_view *output_gradients,
                          ht_tensor_view *input_gradients) {
  const kernel *self = state;
  const float *x = inputs[0].data, *dy = output_gradients[0].data;
  float *dx = input_gradients[0].data;
  int64_t count = 1;
  (void)outputs;
  if (input_count != 1 || output_count != 1)
    return fail(self->host, ctx, HT_INVALID_ARGUMENT, "SlopedRelu has one input and one output");
  if (inputs[0].dtype != HT_F32)
    return fail(self->host, ctx, HT_UNIMPLEMENTED, "the input of SlopedRelu is not float32");
  if (input_gradients[0].dtype == HT_DTYPE_NONE) return HT_OK; /* nobody wants it */
  for (uint32_t axis = 0; axis < inputs[0].rank; ++axis) count *= inputs[0].shape[axis];
  for (int64_t i = 0; i < count; ++i) {
    const float given = dy == NULL ? 0 : dy[i]; /* no gradient arrives: zeros */
    dx[i] = x[i] >= 0 ? given : self->slope * given;
  }
  return HT_OK;
}

static ht_status create(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t count, void **instance) {
  (void)host, (void)ctx, (void)args, (void)count;
  *instance = NULL; /* kernels or gradients are all that a component has */
  return HT_OK;
}

static void destroy(void *instance) {
  (void)instance;
}

/* From here on it is data, which the host reads before it runs anything. The kernel is for opset 1 of its domain. */
static const ht_op_kernel sloped_relu = {.struct_size = sizeof(ht_op_kernel),
                                         .domain = "example.device",
                                         .op_type = "SlopedRelu",
                                         .since_opset = 1,
                                         .until_opset = 1,
                                         .prepare = prepare,
                                         .release = release,
                                         .infer = infer,
                                         .run = run};
static const ht_op_kernel *const kernels[] = {&sloped_relu};
static const ht_op_kernels table = {sizeof(ht_op_kernels), 0, kernels, 1};
static const ht_role kernel_role = {sizeof(ht_role), 0, HT_OP_KERNELS_1, &table};
static const ht_role *const kernel_roles[] = {&kernel_role};
/* The gradient reads the data of input 0 and of no output, so that no trainer keeps that, and is one of input 0. */
static const ht_op_gradient sloped_relu_gradient = {.struct_size = sizeof(ht_op_gradient),
                                                    .domain = "example.device",
                                                    .op_type = "SlopedRelu",
                                                    .since_opset = 1,
                                                    .until_opset = 1,
                                                    .reads_inputs = 1,
                                                    .reads_outputs = 0,
                                                    .differentiates = 1,
                                                    .prepare = prepare,
                                                    .release = release,
                                                    .backward = backward};
static const ht_op_gradient *const gradients[] = {&sloped_relu_gradient};
static const ht_op_gradients gradient_table = {sizeof(ht_op_gradients), 0, gradients, 1};
static const ht_role gradient_role = {sizeof(ht_role), 0, HT_OP_GRADIENTS_1, &gradient_table};
static const ht_role *const gradient_roles[] = {&gradient_role};
static const char *const needs[] = {HT_GRAPH_1};
static const ht_component gradient_component = {
    .struct_size = sizeof(ht_component),
    .kind = HT_KIND_OP_GRADIENTS,
    .determinism = HT_DETERMINISM_EXACT,
    .threading = HT_THREADING_FREE,
    .capabilities = HT_CAP_GRAPH_READ,
    .id = "template-name",
    .version = "0.1.0",
    .title = "the gradient of SlopedRelu of example.device",
    .doc = "The gradient of y = x where x is at least 0, slope * x elsewhere.",
    .needs = needs,
    .need_count = 1,
    .roles = gradient_roles,
    .role_count = 1,
    .create = create,
    .destroy = destroy};
static const ht_component kernel_component = {
    .struct_size = sizeof(ht_component),
    .kind = HT_KIND_OP_KERNELS,
    .determinism = HT_DETERMINISM_EXACT,
    .threading = HT_THREADING_FREE,
    .capabilities = HT_CAP_GRAPH_READ,
    .id = "template-name",
    .version = "0.1.0",
    .title = "the operator SlopedRelu of example.device",
    .doc = "y = x where x is at least 0, slope * x elsewhere; slope is an attribute, 0.01 when it is not written.",
    .needs = needs,
    .need_count = 1,
    .roles = kernel_roles,
    .role_count = 1,
    .create = create,
    .destroy = destroy};
static const ht_component *const components[] = {&gradient_component, &kernel_component};
const ht_plugin ht_plugin_entry = {.struct_size = sizeof(ht_plugin),
                                   .abi_major = HT_ABI_MAJOR,
                                   .abi_minor = HT_ABI_MINOR,
                                   .needs_host_minor = 1, /* the lowest minor of the host that it works with */
                                   .id = "com.example.template-name",
                                   .version = "0.1.0",
                                   .license = "Apache-2.0",
                                   .build = "",
                                   .components = components,
                                   .component_count = 2};
