/* A reader of samples from a text file: one sample a line, its numbers separated by commas. It shows what every reader
 * does: open a file, count its samples, and hand over any of them, from several threads at once. */
#include <halftone/halftone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
  const ht_host *host;
  const ht_memory *memory;
  int64_t shape[HT_MAX_RANK];
  uint32_t rank;
  uint64_t elements;
} reader;

/* An open file, whole in memory. read() and name() are called from several threads and change nothing here. */
typedef struct source {
  const reader *owner;
  char *path;
  char *text;      /* its lines, each ended by 0 */
  uint64_t *lines; /* where each begins */
  uint64_t line_count;
} source;

static ht_status fail(const ht_host *host, ht_ctx *ctx, ht_status status, const char *text) {
  const ht_str words = {text, strlen(text)};
  return host->fail(ctx, status, &words, HT_NONE);
}

/* "3x224x224"; 0 when the text is no such list. */
static int parse_shape(reader *self, const char *at, uint64_t size) {
  static const uint64_t most = UINT64_C(1) << 40; /* elements of a sample, so that sizes never overflow */
  const char *const end = at + size;
  self->elements = 1;
  while (self->rank < HT_MAX_RANK) {
    uint64_t extent = 0;
    for (; at != end && *at >= '0' && *at <= '9' && extent < most; ++at) extent = 10 * extent + (uint64_t)(*at - '0');
    if (extent == 0 || extent > most / self->elements) return 0;
    self->elements *= extent;
    self->shape[self->rank++] = (int64_t)extent;
    if (at == end) return 1;
    if (*at++ != 'x') return 0;
  }
  return 0;
}

static ht_status create(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t count, void **instance) {
  const ht_str *shape = args[0].data; /* in the order of `params`, checked by the host */
  reader *self = calloc(1, sizeof *self);
  (void)count;
  if (self == NULL) return HT_RESOURCE_EXHAUSTED;
  self->host = host; /* lives as long as the instance */
  self->memory = host->service(host, HT_MEMORY_1);
  if (!parse_shape(self, shape->data, shape->size)) {
    free(self);
    return fail(host, ctx, HT_INVALID_ARGUMENT, "`shape` is no list of extents such as 3x224x224");
  }
  *instance = self;
  return HT_OK;
}

static void destroy(void *instance) {
  free(instance);
}

static void close_source(void *opened) {
  source *self = opened;
  if (self == NULL) return;
  free(self->path);
  free(self->text);
  free(self->lines);
  free(self);
}

static char *read_text(const char *path, uint64_t *size) {
  FILE *file = fopen(path, "rb");
  char *text = NULL, *grown;
  uint64_t room = 0;
  size_t got = 1;
  *size = 0;
  if (file == NULL) return NULL;
  while (got > 0) {
    room = 2 * room + 4096;
    if ((grown = realloc(text, (size_t)room + 1)) == NULL) break;
    text = grown;
    got = fread(text + *size, 1, (size_t)(room - *size), file);
    *size += got;
  }
  if (ferror(file) || got > 0) { /* got > 0: no memory */
    free(text);
    text = NULL;
  }
  fclose(file);
  return text;
}

static ht_status open_file(void *instance, ht_ctx *ctx, const ht_str *path, void **opened) {
  const reader *owner = instance;
  source *self = calloc(1, sizeof *self);
  uint64_t size = 0, starts = 1;
  if (self == NULL || (self->path = malloc((size_t)path->size + 1)) == NULL) {
    close_source(self);
    return HT_RESOURCE_EXHAUSTED;
  }
  self->owner = owner;
  memcpy(self->path, path->data, (size_t)path->size);
  self->path[path->size] = 0;
  if ((self->text = read_text(self->path, &size)) == NULL) {
    close_source(self);
    return fail(owner->host, ctx, HT_NOT_FOUND, "the file cannot be read; check its name and permissions");
  }
  self->text[size] = 0;
  for (uint64_t i = 0; i < size; ++i) starts += self->text[i] == '\n';
  if ((self->lines = malloc((size_t)starts * sizeof *self->lines)) == NULL) {
    close_source(self);
    return HT_RESOURCE_EXHAUSTED;
  }
  for (uint64_t i = 0, begin = 0; i < size; ++i) {
    if (i == begin) self->lines[self->line_count++] = begin;
    if (self->text[i] != '\n') continue;
    self->text[i] = 0;
    begin = i + 1;
  }
  *opened = self;
  return HT_OK;
}

static ht_status count_samples(void *opened, ht_ctx *ctx, uint64_t *samples) {
  (void)ctx;
  *samples = ((const source *)opened)->line_count;
  return HT_OK;
}

static ht_status name(void *opened, ht_ctx *ctx, uint64_t index, ht_str *sample) {
  const source *self = opened;
  const size_t room = strlen(self->path) + 24;
  char *text = self->owner->memory->allocate(ctx, room, 1); /* the host frees it when it is done with the sample */
  if (text == NULL) return HT_RESOURCE_EXHAUSTED;
  sample->size = (uint64_t)snprintf(text, room, "%s:%llu", self->path, (unsigned long long)(index + 1));
  sample->data = text;
  return HT_OK;
}

static ht_status read_sample(void *opened, ht_ctx *ctx, uint64_t index, ht_tensor_view *sample) {
  const source *self = opened;
  const reader *owner = self->owner;
  const char *at = self->text + self->lines[index];
  float *values = owner->memory->allocate(ctx, owner->elements * sizeof(float), 64);
  if (values == NULL) return HT_RESOURCE_EXHAUSTED;
  for (uint64_t i = 0; i < owner->elements; ++i) {
    char *rest;
    values[i] = strtof(at, &rest);
    if (rest == at || *rest != (i + 1 == owner->elements ? 0 : ',')) {
      ht_str where = {NULL, 0};
      char text[512];
      if (name(opened, ctx, index, &where) != HT_OK) return HT_RESOURCE_EXHAUSTED;
      snprintf(text, sizeof text, "%.*s: expected %llu numbers with commas between, as `shape` says", (int)where.size,
               where.data, (unsigned long long)owner->elements);
      return fail(owner->host, ctx, HT_DATA_LOSS, text);
    }
    at = rest + 1;
  }
  *sample = (ht_tensor_view){
      .struct_size = sizeof *sample, .dtype = HT_F32, .rank = owner->rank, .shape = owner->shape, .data = values};
  return HT_OK;
}

/* From here on it is data, which the host reads before it runs anything: `halftone help reader template-name` prints
 * it. */
static const ht_param params[] = {{.struct_size = sizeof(ht_param),
                                   .kind = HT_VALUE_STR,
                                   .flags = HT_PARAM_REQUIRED,
                                   .name = "shape",
                                   .doc = "The shape of a sample, such as 3x224x224."}};
static const ht_reader table = {.struct_size = sizeof(ht_reader),
                                .open = open_file,
                                .close = close_source,
                                .count = count_samples,
                                .read = read_sample,
                                .name = name};
static const ht_role role = {sizeof(ht_role), 0, HT_READER_1, &table};
static const ht_role *const roles[] = {&role};
static const char *const needs[] = {HT_MEMORY_1};
static const ht_component component = {.struct_size = sizeof(ht_component),
                                       .kind = HT_KIND_READER,
                                       .determinism = HT_DETERMINISM_EXACT,
                                       .threading = HT_THREADING_FREE,
                                       .capabilities = HT_CAP_FILE_READ,
                                       .id = "template-name",
                                       .version = "0.1.0",
                                       .title = "a text file with one sample a line",
                                       .doc = "Numbers are separated by commas, in row-major order.",
                                       .params = params,
                                       .param_count = 1,
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
                                   .needs_host_minor = 0, /* the lowest minor of the host that it works with */
                                   .id = "com.example.template-name",
                                   .version = "0.1.0",
                                   .license = "Apache-2.0",
                                   .build = "",
                                   .components = components,
                                   .component_count = 1};
