/* An observer in plain C11 that averages the extremes of the samples, with an accumulator of its own. */
#include <halftone/halftone.h>
#include <stdlib.h>

typedef struct extremes {
  double low, high, samples;
} extremes;

static ht_status create(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t count, void **instance) {
  double *margin = malloc(sizeof *margin);
  (void)host, (void)ctx, (void)count;
  if (margin == NULL) return HT_RESOURCE_EXHAUSTED;
  *margin = *(const double *)args[0].data; /* in the order of `params`, checked by the host */
  *instance = margin;
  return HT_OK;
}

static void destroy(void *instance) {
  free(instance);
}

/* Null in further passes: one is enough. */
static ht_status begin(void *instance, ht_ctx *ctx, const ht_quant_spec *spec, const ht_statistics *statistics,
                       const void *previous, void **accumulator) {
  (void)instance, (void)ctx, (void)spec, (void)previous;
  *accumulator = statistics == NULL ? calloc(1, sizeof(extremes)) : NULL;
  return statistics == NULL && *accumulator == NULL ? HT_RESOURCE_EXHAUSTED : HT_OK;
}

static ht_status observe(void *instance, ht_ctx *ctx, void *accumulator, const ht_tensor_view *tensor) {
  extremes *self = accumulator;
  const float *values = tensor->data;
  int64_t count = 1;
  float low, high;
  (void)instance, (void)ctx;
  for (uint32_t k = 0; k < tensor->rank; ++k) count *= tensor->shape[k];
  low = high = values[0];
  for (int64_t i = 1; i < count; ++i) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  self->low += low, self->high += high, self->samples += 1;
  return HT_OK;
}

static ht_status merge(void *instance, ht_ctx *ctx, void *accumulator, const void *other) {
  extremes *self = accumulator;
  const extremes *next = other;
  (void)instance, (void)ctx;
  self->low += next->low, self->high += next->high, self->samples += next->samples;
  return HT_OK;
}

static ht_status finish(void *instance, ht_ctx *ctx, const void *accumulator, const ht_statistics *statistics,
                        const ht_quant_spec *spec, uint64_t count, float *low, float *high, ht_str *rule) {
  static const ht_str text = {"mean extremes", 13};
  const extremes *self = accumulator;
  const double margin = *(const double *)instance;
  (void)ctx, (void)statistics, (void)spec, (void)count; /* wants_per_channel is 0, so there is one range */
  low[0] = (float)(self->low / self->samples * margin);
  high[0] = (float)(self->high / self->samples * margin);
  *rule = text;
  return HT_OK;
}

static void release(void *instance, void *accumulator) {
  (void)instance;
  free(accumulator);
}

/* Not called while begin() gives an accumulator. */
static ht_status derive(void *instance, ht_ctx *ctx, const ht_statistics *statistics, const ht_quant_spec *spec,
                        uint64_t count, float *low, float *high, ht_str *rule) {
  (void)instance, (void)ctx, (void)statistics, (void)spec, (void)count, (void)low, (void)high, (void)rule;
  return HT_FAILED_PRECONDITION;
}

static const double one = 1, two = 2;
static const ht_param params[] = {{.struct_size = sizeof(ht_param),
                                   .kind = HT_VALUE_F64,
                                   .name = "margin",
                                   .doc = "Widens the range.",
                                   .deflt = {HT_VALUE_F64, 1, &one, {0, 0}},
                                   .low = {HT_VALUE_F64, 1, &one, {0, 0}},
                                   .high = {HT_VALUE_F64, 1, &two, {0, 0}}}};
static const ht_observer table = {.struct_size = sizeof(ht_observer),
                                  .derive = derive,
                                  .begin = begin,
                                  .observe = observe,
                                  .merge = merge,
                                  .finish = finish,
                                  .release = release};
static const ht_role role = {sizeof(ht_role), 0, HT_OBSERVER_1, &table};
static const ht_role *const roles[] = {&role};
static const ht_component component = {.struct_size = sizeof(ht_component),
                                       .kind = HT_KIND_OBSERVER,
                                       .determinism = HT_DETERMINISM_EXACT,
                                       .threading = HT_THREADING_FREE,
                                       .id = "template-name",
                                       .version = "0.1.0",
                                       .title = "Averages the extremes of the samples",
                                       .doc =
                                           "The range reaches from the mean of the samples' minima to the mean of "
                                           "their maxima, times `margin`.",
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
                                   .needs_host_minor = 0, /* the lowest minor of the host that it works with */
                                   .id = "com.example.template-name",
                                   .version = "0.1.0",
                                   .license = "Apache-2.0",
                                   .build = "",
                                   .components = components,
                                   .component_count = 1};
