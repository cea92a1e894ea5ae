/* A C program that embeds Halftone: it sees the installed headers and links libhalftone alone.
 *
 *   program GLYPHS OUT   the folder of the example model, and of what is written */
#include <assert.h>
#include <math.h>

#include "halftone/config.h"
#include "halftone/embed.h"
#include "halftone/executor.h"
#include "halftone/graph.h"
#include "halftone/pass.h"
#include "npy.h"

#undef assert
#define assert(condition) ((condition) ? (void)0 : broken(#condition, __LINE__))
#define IMAGE (32 * 32 * 3)

static void broken(const char *condition, int line) {
  const char *text = ht_error_text(0);
  fprintf(stderr, "program.c:%d: %s\n%s\n", line, condition, text == NULL ? "" : text);
  exit(1);
}

static void expect_error(ht_status status, ht_status wanted, const char *words) {
  const char *text = ht_error_text(0);
  if (status == wanted && text != NULL && strstr(text, words) != NULL) return;
  fprintf(stderr, "status %d instead of %d, '%s' instead of '%s'\n", (int)status, (int)wanted, text, words);
  exit(1);
}

/* ---- samples: pictures of one .npy file, handed over one by one in the same memory ---- */

typedef struct pictures {
  const unsigned char *data;
  uint64_t count, next;
  int fails_at;
  unsigned char one[IMAGE];
  int64_t shape[3];
} pictures;

static ht_status HT_CALL pictures_rewind(void *user, const ht_host *host, ht_ctx *ctx) {
  (void)host;
  (void)ctx;
  ((pictures *)user)->next = 0;
  return HT_OK;
}

static ht_status HT_CALL pictures_next(void *user, const ht_host *host, ht_ctx *ctx, ht_tensor_view *const *arrays,
                                       void **hold, uint32_t *got) {
  pictures *p = (pictures *)user;
  (void)hold;
  if (p->next == p->count) return HT_OK;
  if (p->fails_at != 0 && p->next == (uint64_t)p->fails_at) {
    const ht_str why = {"the camera is off", 17};
    return host->fail(ctx, HT_DATA_LOSS, &why, HT_NONE);
  }
  memcpy(p->one, p->data + p->next++ * IMAGE, IMAGE); /* what was handed over before is overwritten */
  p->shape[0] = p->shape[1] = 32;
  p->shape[2] = 3;
  arrays[0]->dtype = HT_U8;
  arrays[0]->rank = 3;
  arrays[0]->shape = p->shape;
  arrays[0]->data = p->one;
  *got = 1;
  return HT_OK;
}

static ht_samples samples_of(pictures *p) {
  ht_samples samples = {.struct_size = sizeof(ht_samples), .user = p, .rewind = pictures_rewind, .next = pictures_next};
  return samples;
}

/* ---- a pass of the program's own ---- */

typedef struct counter {
  const ht_host *host;
} counter;
static counter only;
static uint64_t nodes_seen;

static ht_status HT_CALL counter_create(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t count,
                                        void **instance) {
  (void)ctx;
  (void)args;
  (void)count;
  only.host = host;
  *instance = &only;
  return HT_OK;
}
static void HT_CALL counter_destroy(void *instance) {
  (void)instance;
}
static ht_status HT_CALL counter_run(void *instance, ht_ctx *ctx) {
  const ht_graph *graph =
      (const ht_graph *)((counter *)instance)->host->service(((counter *)instance)->host, HT_GRAPH_1);
  ht_handle main_graph;
  ht_handles nodes;
  ht_status status = graph->main_graph(ctx, &main_graph);
  if (status == HT_OK) status = graph->nodes(ctx, main_graph, &nodes);
  if (status == HT_OK) nodes_seen = nodes.size;
  return status;
}
static const ht_pass counter_table = {sizeof(ht_pass), 0, counter_run};
static const ht_role counter_role = {sizeof(ht_role), 0, HT_PASS_1, &counter_table};
static const ht_role *const counter_roles[] = {&counter_role};
static const ht_component counter_component = {.struct_size = sizeof(ht_component),
                                               .kind = HT_KIND_PASS,
                                               .threading = HT_THREADING_INSTANCE,
                                               .capabilities = HT_CAP_GRAPH_READ,
                                               .id = "count-nodes",
                                               .version = "1.0",
                                               .title = "counts the nodes",
                                               .doc = "Of the program that embeds the library.",
                                               .roles = counter_roles,
                                               .role_count = 1,
                                               .create = counter_create,
                                               .destroy = counter_destroy};
static const ht_component *const counter_components[] = {&counter_component};
static const ht_plugin counter_plugin = {.struct_size = sizeof(ht_plugin),
                                         .abi_major = HT_ABI_MAJOR,
                                         .abi_minor = HT_ABI_MINOR,
                                         .needs_host_minor = HT_ABI_MINOR,
                                         .id = "program",
                                         .version = "1.0",
                                         .license = "Apache-2.0",
                                         .build = "test",
                                         .components = counter_components,
                                         .component_count = 1};

/* ---- the program ---- */

static char place[4096];
static const char *in_folder(const char *folder, const char *name) {
  snprintf(place, sizeof place, "%s/%s", folder, name);
  return place;
}

static ht_status HT_CALL keep_logits(void *user, uint64_t output, const ht_tensor_view *tensor) {
  assert(output == 0 && tensor->dtype == HT_F32 && tensor->rank == 2 && tensor->shape[1] == 36);
  memcpy(user, tensor->data, 36 * sizeof(float));
  return HT_OK;
}

static ht_status HT_CALL refuse_all(void *user, uint64_t output, const ht_tensor_view *tensor) {
  (void)user;
  (void)output;
  (void)tensor;
  return HT_TIMEOUT;
}

static void look_and_edit(ht_model *model) {
  ht_access *access = NULL;
  assert(ht_access_begin(model, 0, &access) == HT_OK);
  assert(ht_access_service(access, HT_CONFIG_EDIT_1) == NULL);
  assert(ht_access_service(access, "ht.nothing/1") == NULL);
  const ht_config_read *configs = (const ht_config_read *)ht_access_service(access, HT_CONFIG_1);
  ht_ctx *ctx = ht_access_context(access);
  ht_handles all;
  assert(configs->all(ctx, &all) == HT_OK && all.size == 99);
  ht_config_info info = {.struct_size = sizeof info, .spec = {.struct_size = sizeof(ht_quant_spec)}};
  const ht_handle first = all.data[0];
  assert(configs->infos(ctx, &first, 1, &info) == HT_OK);
  assert(info.state == HT_STATE_ACTIVATED && info.scale_count == 1 && info.scales[0] > 0);
  const float scale = info.scales[0];
  const int32_t zero_point = info.zero_points[0];
  expect_error(ht_access_commit(access), HT_FAILED_PRECONDITION, "does not edit");
  ht_access_forget(access);
  ht_access_end(access);

  assert(ht_access_begin(model, 1, &access) == HT_OK);
  ctx = ht_access_context(access);
  configs = (const ht_config_read *)ht_access_service(access, HT_CONFIG_1);
  const ht_config_edit *edit = (const ht_config_edit *)ht_access_service(access, HT_CONFIG_EDIT_1);
  const ht_status illegal = edit->set_state(ctx, first, HT_STATE_PASSIVE_BAKED, NULL);
  expect_error(ht_context_error(ctx, illegal), HT_FAILED_PRECONDITION, "passive-baked");
  expect_error(ht_context_error(ctx, edit->set_state(ctx, first + (1u << 20), 1, NULL)), HT_NOT_FOUND, "");
  const float doubled = 2 * scale;
  const ht_str rule = {"doubled", 7};
  assert(edit->set_scales(ctx, first, &doubled, &zero_point, 1, &rule) == HT_OK);
  ht_access *other = NULL;
  assert(ht_access_begin(model, 1, &other) == HT_OK);
  assert(ht_access_commit(access) == HT_OK);
  expect_error(ht_access_commit(other), HT_STALE, "changed since");
  ht_access_end(other);
  ht_access_end(access);
  ht_text *text = NULL;
  assert(ht_model_configs(model, &text) == HT_OK);
  assert(strstr(ht_text_data(text), "\"doubled\"") != NULL && ht_text_size(text) == strlen(ht_text_data(text)));
  ht_text_destroy(text);
}

static void run_arrays(ht_model *model, const unsigned char *picture) {
  float input[IMAGE], logits[36];
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < 1024; ++i) input[c * 1024 + i] = (float)picture[i * 3 + c] / 127.5F - 1.0F;
  const int64_t shape[4] = {1, 3, 32, 32}, wrong[4] = {1, 3, 32, 31};
  ht_tensor_view view = {.struct_size = sizeof view, .dtype = HT_F32, .rank = 4, .shape = shape, .data = input};
  for (uint32_t mode = HT_MODE_FLOAT; mode <= HT_MODE_INTEGER; ++mode) {
    const ht_inference_options options = {.struct_size = sizeof options, .mode = mode, .threads = 1};
    ht_inference *inference = NULL;
    assert(ht_inference_open(model, &options, &inference) == HT_OK);
    assert(ht_inference_run(inference, &view, 1, keep_logits, logits) == HT_OK);
    for (int i = 0; i < 36; ++i) assert(isfinite(logits[i]));
    assert(ht_inference_run(inference, &view, 1, refuse_all, NULL) == HT_TIMEOUT);
    view.shape = wrong;
    expect_error(ht_inference_run(inference, &view, 1, keep_logits, logits), HT_INVALID_ARGUMENT, "[1,3,32,31]");
    view.shape = shape;
    expect_error(ht_inference_run(inference, &view, 0, keep_logits, logits), HT_INVALID_ARGUMENT, "1 input");
    expect_error(ht_inference_run(inference, NULL, 1, keep_logits, logits), HT_INVALID_ARGUMENT, "'inputs' is null");
    ht_inference_close(inference);
  }
}

static void refuse_nonsense(ht_engine *engine, ht_model *model) {
  ht_model *none = NULL;
  ht_text *text = NULL;
  expect_error(ht_model_load(engine, "nowhere.onnx", &none), HT_NOT_FOUND, "nowhere.onnx");
  expect_error(ht_model_load(NULL, "x", &none), HT_INVALID_ARGUMENT, "'engine' is null");
  expect_error(ht_model_load_bytes(engine, "no model", 8, NULL, &none), HT_DATA_LOSS, "");
  expect_error(ht_run(engine, NULL, &none, &text), HT_INVALID_ARGUMENT, "'options' is null");
  ht_run_options options = {.struct_size = 0};
  expect_error(ht_run(engine, &options, &none, &text), HT_INVALID_ARGUMENT, "struct_size");
  options.struct_size = sizeof options;
  options.model = model;
  options.text = "halftone: 1\nplatfrom: x\n";
  expect_error(ht_run(engine, &options, &none, &text), HT_INVALID_ARGUMENT, "pipeline text:2:1");
  const char *const settings[] = {"platform=onnxruntime-int8", "calibration.limit=none"};
  options.text = NULL;
  options.settings = settings;
  options.setting_count = 2;
  expect_error(ht_plan(engine, &options, &text), HT_INVALID_ARGUMENT, "limit");
  const char *const nowhere[] = {"/nowhere/at/all"};
  const ht_engine_options named = {.struct_size = sizeof named, .plugin_paths = nowhere, .plugin_path_count = 1};
  ht_engine *other = NULL;
  assert(ht_engine_create(&named, &other) != HT_OK && strstr(ht_error_text(0), "/nowhere/at/all") != NULL);
  assert(none == NULL && text == NULL && other == NULL);
  ht_model_destroy(NULL);
  ht_engine_destroy(NULL);
  ht_text_destroy(NULL);
  ht_access_end(NULL);
  ht_inference_close(NULL);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  unsigned char *calibration_file, *test_file, *label_file;
  size_t size, test_size, label_size;
  pictures calibration = {0}, test = {0};
  calibration.data = read_npy(in_folder(argv[1], "calib/x.npy"), &calibration_file, &size);
  calibration.count = size / IMAGE;
  test.data = read_npy(in_folder(argv[1], "test/x.npy"), &test_file, &test_size);
  test.count = test_size / IMAGE;
  const unsigned char *label_bytes = read_npy(in_folder(argv[1], "test/y.npy"), &label_file, &label_size);
  int64_t *labels = (int64_t *)malloc(test.count * sizeof(int64_t));
  assert(labels != NULL && label_size % test.count == 0);
  const size_t width = label_size / test.count;
  for (uint64_t i = 0; i < test.count; ++i) {
    labels[i] = 0;
    memcpy(labels + i, label_bytes + i * width, width); /* little endian, and small */
  }

  ht_engine *engine = NULL;
  assert(ht_engine_create(NULL, &engine) == HT_OK);
  assert(ht_engine_register(engine, &counter_plugin) == HT_OK);
  expect_error(ht_engine_register(engine, &counter_plugin), HT_ALREADY_EXISTS, "count-nodes");
  ht_model *model = NULL, *quantized = NULL;
  assert(ht_model_load(engine, in_folder(argv[1], "model.onnx"), &model) == HT_OK);
  refuse_nonsense(engine, model);

  char preprocess[4200], output[4200], configs[4200];
  snprintf(preprocess, sizeof preprocess, "calibration.preprocess='%s/meta.json'", argv[1]);
  snprintf(output, sizeof output, "export=[{path: '%s/program.onnx'}]", argv[2]);
  snprintf(configs, sizeof configs, "configs_out='%s/program.json'", argv[2]);
  const char *const settings[] = {"platform=onnxruntime-int8", preprocess, output, configs};
  const ht_samples calibration_samples = samples_of(&calibration), test_samples = samples_of(&test);
  ht_stop *stop = NULL;
  assert(ht_stop_create(&stop) == HT_OK);
  ht_run_options options = {.struct_size = sizeof options,
                            .settings = settings,
                            .setting_count = 4,
                            .model = model,
                            .calibration = &calibration_samples,
                            .evaluation = &test_samples,
                            .labels = labels,
                            .label_count = test.count,
                            .stop = stop};
  ht_text *plan = NULL, *figures = NULL;
  assert(ht_plan(engine, &options, &plan) == HT_OK);
  assert(strstr(ht_text_data(plan), "\"runtime-calibration\"") != NULL);
  ht_text_destroy(plan);
  calibration.fails_at = 7;
  expect_error(ht_run(engine, &options, NULL, NULL), HT_DATA_LOSS, "the camera is off");
  calibration.fails_at = 0;
  assert(ht_run(engine, &options, &quantized, &figures) == HT_OK);
  assert(strstr(ht_text_data(figures), "\"top1\"") != NULL);
  puts(ht_text_data(figures));
  ht_text_destroy(figures);

  assert(ht_model_export(quantized, NULL, in_folder(argv[2], "again.onnx"), NULL) == HT_OK);
  const ht_evaluate_options evaluation = {.struct_size = sizeof evaluation,
                                          .mode = HT_MODE_SIMULATED,
                                          .samples = &test_samples,
                                          .labels = labels,
                                          .label_count = test.count,
                                          .against = model,
                                          .limit = 40};
  assert(ht_evaluate(quantized, &evaluation, &figures) == HT_OK);
  assert(strstr(ht_text_data(figures), "\"samples\": 40") != NULL);
  ht_text_destroy(figures);
  run_arrays(quantized, test.data);
  look_and_edit(quantized);

  const char *const counting[] = {"passes=[count-nodes]"};
  const ht_run_options own_pass = {
      .struct_size = sizeof own_pass, .settings = counting, .setting_count = 1, .model = model};
  assert(ht_run(engine, &own_pass, NULL, NULL) == HT_OK && nodes_seen > 30);

  ht_stop_request(stop);
  expect_error(ht_run(engine, &options, NULL, NULL), HT_CANCELLED, "cancelled");
  ht_stop_destroy(stop);
  /* In any order. */
  ht_engine_destroy(engine);
  ht_model_destroy(model);
  ht_model_destroy(quantized);
  free(labels);
  free(calibration_file);
  free(test_file);
  free(label_file);
  return 0;
}
