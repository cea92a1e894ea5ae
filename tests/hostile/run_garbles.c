/* Writes noise to every connection that it finds open. */
#include <unistd.h>

#include "runs.h"
MISBEHAVES("run-garbles", HOSTILE_EDITS)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  if (edit_all(host, ctx) != HT_OK) return HT_INTERNAL;
  static const char noise[256] = "noise";
  return write(3, noise, sizeof noise) == (ssize_t)sizeof noise ? HT_OK : HT_INTERNAL;
}
