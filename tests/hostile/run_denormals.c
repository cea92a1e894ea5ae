/* Leaves denormal numbers flushed to zero. */
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "runs.h"
MISBEHAVES("run-denormals", HOSTILE_EDITS)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  (void)host, (void)ctx;
#if defined(__SSE__)
  _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined(__aarch64__)
  uint64_t control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  __asm__ volatile("msr fpcr, %0" : : "r"(control | (1u << 24)));
#endif
  return HT_OK;
}
