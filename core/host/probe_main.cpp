// The helper program in which new plug-ins are tried; see probe.h.
#include "core/host/probe.h"

int main(int argc, char **argv) {
  return halftone::host::run_probe(argc, argv);
}
