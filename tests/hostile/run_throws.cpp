// Lets an exception out of run().
#include <stdexcept>

#include "runs.h"
MISBEHAVES("run-throws", HOSTILE_EDITS)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  if (edit_all(host, ctx) != HT_OK) return HT_INTERNAL;
  throw std::runtime_error("run went wrong");
}
