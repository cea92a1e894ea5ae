// The helper program in which isolated components run; see worker_host.h.
#include "core/host/isolation/worker.h"

int main(int argc, char **argv) {
  return halftone::host::run_worker(argc, argv);
}
