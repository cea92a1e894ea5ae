/* Leaves another locale, a signal blocked, and no permissions for new files behind. */
#define _GNU_SOURCE
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#include "runs.h"
MISBEHAVES("run-locale", HOSTILE_EDITS)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  (void)host, (void)ctx;
  setlocale(LC_ALL, "C.UTF-8");
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  umask(0777);
  return HT_OK;
}
