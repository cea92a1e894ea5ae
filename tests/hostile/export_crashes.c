/* An exporter that writes half a file and dies. */
#include <signal.h>
#include <stdio.h>

#include "roles.h"
static ht_status HT_CALL write_half(void *instance, ht_ctx *ctx, const ht_str *path) {
  (void)instance, (void)ctx;
  char name[4096] = "";
  if (path->size >= sizeof name) return HT_INTERNAL;
  memcpy(name, path->data, path->size);
  FILE *file = fopen(name, "w");
  if (file == NULL) return HT_INTERNAL;
  fputs("half", file);
  fclose(file);
  raise(SIGSEGV);
  return HT_OK;
}
static const ht_exporter table = {sizeof(ht_exporter), 0, NULL, write_half};
OFFERS("export-crashes", HT_KIND_EXPORTER, HT_EXPORTER_1, HT_CAP_GRAPH_READ, HT_THREADING_FREE)
