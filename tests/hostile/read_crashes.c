/* A reader of four samples that dies at the third. */
#include <signal.h>

#include "roles.h"
static ht_status HT_CALL open(void *instance, ht_ctx *ctx, const ht_str *path, void **source) {
  (void)instance, (void)ctx, (void)path;
  static char opened;
  *source = &opened;
  return HT_OK;
}
static void HT_CALL close(void *source) {
  (void)source;
}
static ht_status HT_CALL count(void *source, ht_ctx *ctx, uint64_t *samples) {
  (void)source, (void)ctx;
  *samples = 4;
  return HT_OK;
}
static ht_status HT_CALL read(void *source, ht_ctx *ctx, uint64_t index, ht_tensor_view *sample) {
  (void)source, (void)ctx;
  static float data[3 * 8 * 8];
  static const int64_t shape[] = {3, 8, 8};
  if (index == 2) raise(SIGSEGV);
  const ht_tensor_view view = {.struct_size = sizeof view, .dtype = HT_F32, .rank = 3, .shape = shape, .data = data};
  *sample = view;
  return HT_OK;
}
static ht_status HT_CALL name(void *source, ht_ctx *ctx, uint64_t index, ht_str *text) {
  (void)source, (void)ctx, (void)index;
  text->data = "sample";
  text->size = 6;
  return HT_OK;
}
static const ht_reader table = {sizeof(ht_reader), 0, NULL, open, close, count, read, name};
OFFERS("read-crashes", HT_KIND_READER, HT_READER_1, HT_CAP_GRAPH_READ, HT_THREADING_FREE)
