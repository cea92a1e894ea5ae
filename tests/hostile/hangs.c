/* Never finishes loading. */
#include <unistd.h>

#include "pass.h"
HARMLESS("hangs")
__attribute__((constructor)) static void at_load(void) {
  for (;;) pause();
}
